dnl Lets Sendmail look up recipients in the virtual server: include this file at the end of sendmail.mc.
dnl A tab separates the two sides of each rule.
LOCAL_CONFIG
Kvirtual socket -T<TMPF> inet:3049@127.0.0.1
LOCAL_RULE_0
# What is found for a recipient in a domain of this machine comes before it, @ if nothing is.
R$+ < @ $=w . >		$: < $(virtual $1@$2 $: @ $) > $1 < @ $2 . >
R< @ > $+ < @ $+ >	$: $1 < @ $2 >
# The server does not answer.
R< $* < TMPF > > $*	$#error $@ 4.3.0 $: "451 4.3.0 Temporary lookup failure"
# What is found replaces the recipient, and is looked up again.
R< $+ > $+ < @ $+ >	$: $>Recurse $1

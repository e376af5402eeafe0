"""The lines of mail logs that name recipients, as regular expressions: Postfix, Exim, Sendmail, lists of addresses."""

from __future__ import annotations

import re

# What a line has before its message. Only a delivery right behind it counts: the subject of a mail, which may be
# logged, could look like one. That is why no ": " may come before the process id: the message may have begun there.
_HEADER = (
    # "Feb 28 20:18:01 mail postfix/virtual[123]: ", where Solaris adds "[ID 197553 mail.info] ".
    rb"(?:(?:\[ *+\d++\.\d++\] )?+[^\[\]:]++(?::[^\[\]: ][^\[\]:]*+)*+\[\d++\]: (?:\[ID \d++ [\w.]++\] )?+"
    rb"|(?:[A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\dT)\S++ \S++ [^\s:]++: "  # the same without process id
    rb"|(?:<\d++>)?1 \d{4}-\S++ \S++ \S++ \S++ \S++ (?:-|(?:\[[^\]]*+\])++) (?:\xef\xbb\xbf)?"  # RFC 5424, section 6
    rb"|(?:\s*+MESSAGE=)?+"  # journalctl -o cat, export and verbose
    rb")"
)
_QUEUE_ID = rb"[0-9A-Za-z]++: "

# "4dF0: to=<foo@example.com>, orig_to=<foo-macys-m5@example.com>, relay=virtual, ..., status=sent (...)", or
# "NOQUEUE: reject: RCPT from ...; from=<...> to=<foo-macys-m6@example.com> proto=ESMTP helo=<...>"; both from "to=<".
_POSTFIX = (
    rb"to=<([^>\n]{0,1024}+)>(?:,? proto=|,(?: orig_to=<([^>\n]{0,1024}+)>,)?+"
    rb" relay=[^,\n]*+(?:,(?! status=)[^,\n]*+)*+, status=(\w++))"
)
POSTFIX = re.compile(_POSTFIX)
BEFORE_DELIVERY = re.compile(_HEADER + _QUEUE_ID + rb"to=<")
# Refusals in any other line, such as one about a header, which may name several recipients.
POSTFIX_REFUSAL = re.compile(rb"; from=<[^>]{0,1024}+>,? to=<")
TO = re.compile(rb"to=<(?<=[ ,_]to=<)([^>]{0,1024}+)>")

# "2026-02-28 20:18:01 1xWHj0-0006UF-0s => foo (parent@example.com) <foo-macys-m5@example.com> R=... T=..."; see the
# chapter "Log files" of Exim's specification. A program that mail is piped to has spaces in it.
_EXIM_TIME = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d++)? (?:[-+]\d{4} )?"
EXIM_DELIVERY = re.compile(
    rb"(?:" + _EXIM_TIME + rb"|(?!" + _EXIM_TIME + rb")" + _HEADER + rb"(?:" + _EXIM_TIME + rb")?+)(?:\[\d++\] )?+"
    rb"\w{6}-\w{6,11}-\w{2,4} ([-=>]>|==|\*\*) "
    rb"(?:(\|.*?|:blackhole:|\S*[^\s:])(?: \([^()]*\))? <(\S{1,1024}?)>|(\S{1,1024}?))(?=:? |:?\s*$)"
)
EXIM_DELIVERED = (b"=>", b"->", b">>")
# "2026-02-28 20:18:01 H=(...) [192.0.2.1] F=<...> rejected RCPT <foo-macys-m6@example.com>: Unknown user"
EXIM_REFUSAL = re.compile(rb" rejected RCPT <([^<>]{1,1024}+)>")

# "6APITI0Z026377: to=<foo-macys-m5@example.com>,<bar@example.com>, ctladdr=..., delay=..., ..., stat=Sent". The address
# in ctladdr is the recipient's where mail goes to a program or a file, and may be the sender's elsewhere.
SENDMAIL_DELIVERY = re.compile(
    _HEADER + _QUEUE_ID + rb"(?>to=(.+?), (?:ctladdr=<?([^\s<>,]{1,1024}+)[^,]*+, )?delay=)(?>.*?, stat=)(\w*+)"
)
SENDMAIL_RECIPIENT = re.compile(rb"<([^<>]{1,1024}+)>|([^\s<>,]{1,1024}+)")
NO_MAILBOX = (b"|", b'"|', b"/", b'"/')
# "6APITI0Z026377: <foo-macys-m6@example.com>... User unknown"
SENDMAIL_REFUSAL = re.compile(_HEADER + _QUEUE_ID + rb"(?:|ruleset=check_rcpt, arg1=)<([^<>]{1,1024}+)>(?:\.\.\. |, )")

# A line of a list: an address, also with a number before it, as `uniq -c` writes it.
LISTED = re.compile(rb"\n[ \t]*+(?:(\d{1,18})[ \t]++)?+<?([^\s<>\0-\x1f\x7f]{1,512}+)>?[ \t\r]*+(?=\n)")
# What each such line has, and few others: a search takes half the time of one for the line itself.
PERHAPS_LISTED = re.compile(rb"\n[ \t\d]*+\S*+[ \t\r]*+\n")
# The same with a display name (RFC 5322, section 3.4): "Macy's, Inc." <foo-macys-m5@example.com>
LISTED_WITH_NAME = re.compile(
    rb"(?![ \t\d]*+<)(?:[ \t]++(\d{1,18})[ \t])?+"
    rb"(?:[^\0-\x08\x0a-\x1f\x7f()<>\[\]:;@\\,\"=]++|\"(?:[^\"\\]|\\.)*+\")*+"
    rb"<([^\s<>@]{1,512}+@[^\s<>@]{1,512}+)>[ \t\r]*+"
)
# What no local part has that is not quoted (RFC 5322, section 3.2.3), and many a line of a text has.
SPECIAL = re.compile(rb"[()<>\[\]:;@\\,\"]")

# A line that has none of these, and is no address, names no recipient. Each alternative begins with a space: with an
# assertion among them, the search takes twice as long. The first has the groups of `POSTFIX`; all reach to the end of
# the line.
MARK = re.compile(
    rb" (?:" + _POSTFIX + rb"|to=|-> |=> |>> |== |\*\* |r(?:ejected RCPT |uleset=check_rcpt, )"
    rb"|<(?:\S++[ \t\r]*+(?=\n)|[^<>\n]{1,1024}+>\.\.\. )).*+"
)

"""A private Dovecot for one test: an LMTP server with mailboxes of its own, on 127.0.0.1 alone."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from trualias.testing.live import PATIENCE, free_port, is_listening, wait_until
from trualias.testing.requirements import require_program, require_root

# See https://doc.dovecot.org/2.3/configuration_manual/; every address has a mailbox.
_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = lmtp
ssl = no
mail_location = maildir:{folder}/mail/%u
auth_username_format = %Lu
first_valid_uid = 1
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u allow_all_users=yes
}}
passdb {{
  driver = static
  args = nopassword=y
}}
service lmtp {{
  chroot =
  unix_listener lmtp {{
    mode = 0
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


class Dovecot:
    """Dovecot's LMTP server at ``port``, with a mailbox for each address."""

    def __init__(self) -> None:
        require_root()
        self._program = require_program("dovecot")
        require_program("lmtp", folders=(Path("/usr/lib/dovecot"),))
        # Not below trial's own folder: the process of a mailbox has no privileges.
        self._folder = Path(tempfile.mkdtemp(prefix="trualias-dovecot-"))
        self._folder.chmod(0o755)
        self.port = free_port()
        for name in ("run", "state", "mail"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "mail", "nobody")
        (self._folder / "dovecot.conf").write_text(_CONFIGURATION.format(folder=self._folder, port=self.port), "utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """The log so far."""
        path = self._folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [self._program, "-F", "-c", str(self._folder / "dovecot.conf")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: is_listening(self.port), "Dovecot at work", lambda: self.log)

    def mails(self, address: str) -> list[str]:
        """Return the mails that the mailbox of an address has."""
        return [path.read_text("utf-8") for path in (self._folder / "mail" / address / "new").glob("*")]

    def has_mail(self, address: str) -> bool:
        """Return whether the mailbox of an address has a mail."""
        return bool(self.mails(address))

    def mailboxes(self) -> set[str]:
        """Return the addresses that got mail."""
        return {path.name for path in (self._folder / "mail").iterdir()}

    def stop(self) -> None:
        """Stop it, and remove its files."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
        shutil.rmtree(self._folder, ignore_errors=True)

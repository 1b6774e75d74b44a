"""Servers of SFTP, FTP and WebDAV on free loopback ports, in a folder of their own.

Promise: nothing leaves the machine, and nothing of the machine's own servers is used. `start` returns when the server
answers. Files are put into the served folder itself, as the systems of a plant do.
"""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import socket
import subprocess
from pathlib import Path

from checks import wait_for
from receivers import free_port

LIMIT_S = 60.0
USER = "plant"
PASSWORD = "right-password-1"
PASSIVE_PORTS = 20
"""Ports that a server of FTP may use for its transfers."""


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


class Server:
    """A server that is started and stopped; it serves the folder `files`."""

    name = ""
    program = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.files.mkdir(parents=True)
        self.prepare()

    def prepare(self) -> None:
        """Writes keys and configuration."""
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def url(self, path: str) -> str:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Variables by which the program logs in."""
        raise NotImplementedError

    def refused(self) -> dict[str, str]:
        """Variables of a login that the server refuses."""
        raise NotImplementedError

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder)
        wait_for(f"an answer of {self.program} (see {self.folder / 'log'})", self.answers, LIMIT_S)

    def restart(self) -> None:
        """Kills the server with -9 and starts it again."""
        if self.process:
            self.process.kill()
            self.process.wait(LIMIT_S)
        self.start()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT_S)


class Sftp(Server):
    """OpenSSH, which lets the user who runs the test in."""

    name = "sftp"
    program = "/usr/sbin/sshd"

    def prepare(self) -> None:
        for key in ("host_key", "user_key", "other_key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / key))
        public = (self.folder / "user_key.pub").read_text()
        (self.folder / "authorized_keys").write_text(public)
        host = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host}\n")
        other = " ".join((self.folder / "other_key.pub").read_text().split()[:2])
        (self.folder / "other_hosts").write_text(f"[127.0.0.1]:{self.port} {other}\n")
        (self.folder / "no_hosts").write_text("")
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder / 'host_key'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            f"PidFile {self.folder / 'pid'}",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "UsePAM no",
            # The folders above are of the test, and may be writable for others.
            "StrictModes no",
            "Subsystem sftp internal-sftp",
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:
            # Started by root, the server needs an empty folder of root.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def command(self) -> list[str]:
        return [self.program, "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def url(self, path: str) -> str:
        return f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{self.files}/{path}".rstrip("/")

    def environment(self) -> dict[str, str]:
        hosts = str(self.folder / "known_hosts")
        return {"COCKPIT_SFTP_KEY": f"file:{self.folder / 'user_key'}", "COCKPIT_SFTP_KNOWN_HOSTS": hosts}

    def refused(self) -> dict[str, str]:
        return self.environment() | {"COCKPIT_SFTP_KEY": f"file:{self.folder / 'other_key'}"}


class Ftp(Server):
    """ProFTPD. `facts` offers listings for programs; `tls` requires TLS of commands and transfers."""

    name = "ftp"
    program = "/usr/sbin/proftpd"

    def __init__(self, folder: Path, facts: bool, tls: bool) -> None:
        self.facts = facts
        self.tls = tls
        self.name = ("ftps" if tls else "ftp") + ("" if facts else "-list")
        super().__init__(folder)

    def prepare(self) -> None:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(os.getegid())
        hashed = run("openssl", "passwd", "-6", PASSWORD)
        passwd, groups = self.folder / "passwd", self.folder / "group"
        passwd.write_text(f"{USER}:{hashed}:{user.pw_uid}:{group.gr_gid}::{self.files}:/bin/sh\n")
        groups.write_text(f"{group.gr_name}:x:{group.gr_gid}:\n")
        for path in (passwd, groups):
            path.chmod(0o600)
        first = free_port()
        lines = [
            "ServerType standalone",
            "ServerName plant",
            "DefaultAddress 127.0.0.1",
            f"Port {self.port}",
            "UseIPv6 off",
            "UseReverseDNS off",
            f"User {user.pw_name}",
            f"Group {group.gr_name}",
            "RootLogin on",
            "RequireValidShell off",
            "UseFtpUsers off",
            "WtmpLog off",
            "TransferLog none",
            f"SystemLog {self.folder / 'system.log'}",
            f"PidFile {self.folder / 'pid'}",
            f"ScoreboardFile {self.folder / 'scoreboard'}",
            f"DelayTable {self.folder / 'delay'}",
            "AuthOrder mod_auth_file.c",
            f"AuthUserFile {passwd}",
            f"AuthGroupFile {groups}",
            f"PassivePorts {first} {min(first + PASSIVE_PORTS, 65_535)}",
        ]
        if not self.facts:
            lines.append("FactsAdvertise off")
        if self.tls:
            lines += self.encryption()
        (self.folder / "proftpd.conf").write_text("\n".join(lines) + "\n")

    def encryption(self) -> list[str]:
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        # A certificate that is its own authority must not be marked as one of an authority.
        leaf = ["-addext", "basicConstraints=critical,CA:FALSE"]
        words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key)]
        run("openssl", *words, "-out", str(certificate), *subject, *leaf)
        key.chmod(0o600)
        return [
            "LoadModule mod_tls.c",
            "TLSEngine on",
            f"TLSLog {self.folder / 'tls.log'}",
            "TLSRequired on",
            f"TLSRSACertificateFile {certificate}",
            f"TLSRSACertificateKeyFile {key}",
            "TLSProtocol TLSv1.2 TLSv1.3",
        ]

    def command(self) -> list[str]:
        return [self.program, "-n", "-q", "-c", str(self.folder / "proftpd.conf")]

    def url(self, path: str) -> str:
        scheme = "ftps" if self.tls else "ftp"
        return f"{scheme}://{USER}@localhost:{self.port}{self.files}/{path}".rstrip("/")

    def environment(self) -> dict[str, str]:
        variables = {"COCKPIT_FTP_PASSWORD": PASSWORD}
        if self.tls:
            variables["COCKPIT_FILE_SERVER_CA"] = str(self.folder / "certificate.pem")
        return variables

    def refused(self) -> dict[str, str]:
        return self.environment() | {"COCKPIT_FTP_PASSWORD": "wrong-password-2"}


class Webdav(Server):
    """lighttpd with its module of WebDAV and a password."""

    name = "webdav"
    program = "/usr/sbin/lighttpd"

    def prepare(self) -> None:
        (self.folder / "users").write_text(f"{USER}:{PASSWORD}\n")
        lines = [
            'server.modules = ("mod_auth", "mod_authn_file", "mod_webdav")',
            'server.bind = "127.0.0.1"',
            f"server.port = {self.port}",
            f'server.document-root = "{self.files}"',
            f'server.upload-dirs = ("{self.folder}")',
            'webdav.activate = "enable"',
            'webdav.is-readonly = "enable"',
            'auth.backend = "plain"',
            f'auth.backend.plain.userfile = "{self.folder / "users"}"',
            'auth.require = ("/" => ("method" => "basic", "realm" => "plant", "require" => "valid-user"))',
            'mimetype.assign = ("" => "application/octet-stream")',
        ]
        (self.folder / "lighttpd.conf").write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [self.program, "-D", "-f", str(self.folder / "lighttpd.conf")]

    def url(self, path: str) -> str:
        return f"webdav://127.0.0.1:{self.port}/{path}".rstrip("/")

    def environment(self) -> dict[str, str]:
        return {"COCKPIT_WEBDAV_USER": USER, "COCKPIT_WEBDAV_PASSWORD": PASSWORD}

    def refused(self) -> dict[str, str]:
        return self.environment() | {"COCKPIT_WEBDAV_PASSWORD": "wrong-password-2"}

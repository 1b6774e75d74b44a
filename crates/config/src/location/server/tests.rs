//! URLs of file servers, and secrets that are not repeated.

use super::*;
use crate::location::{Purpose, open as open_location, refuse_keys};

fn place(text: &str) -> anyhow::Result<Place> {
    let (scheme, _) = text.split_once("://").unwrap();
    Place::parse(scheme, text)
}

/// Opens a location with these variables.
fn opened(text: &str, variables: &[(&str, &str)]) -> anyhow::Result<Location> {
    let env = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let (scheme, _) = text.split_once("://").unwrap();
    open_with(scheme, text, &FileServerLimits::default(), env)
}

#[track_caller]
fn fails(text: &str, variables: &[(&str, &str)], words: &[&str]) {
    let error = format!("{:#}", opened(text, variables).unwrap_err());
    assert!(!error.contains("s3cret"), "{error}");
    for word in words {
        assert!(error.contains(word), "{word} is missing in: {error}");
    }
}

#[test]
fn a_url_has_user_host_port_and_path() {
    let check = |text: &str, user: &str, host: &str, port: u16, prefix: &str| {
        let found = place(text).unwrap();
        let parts = (found.user.as_str(), found.host.as_str(), found.port, found.prefix.as_ref());
        assert_eq!(parts, (user, host, port, prefix), "{text}");
    };
    check("sftp://plant@files.example/srv/line 1/", "plant", "files.example", 22, "srv/line 1");
    check("sftp://plant@files.example:2222/~/dumps", "plant", "files.example", 2222, "~/dumps");
    check("sftp://plant@[::1]:2222", "plant", "[::1]", 2222, "");
    check("sftp://plant@[::1]/a", "plant", "[::1]", 22, "a");
    check("ftp://a%40b@10.0.0.1/my%20dumps", "a@b", "10.0.0.1", 21, "my dumps");
    check("ftps://plant@files.example", "plant", "files.example", 21, "");
    check("webdav://files.example/dav", "", "files.example", 80, "dav");
    check("webdavs://files.example:8443/dav/x", "", "files.example", 8443, "dav/x");
    for wrong in [
        "sftp://files.example/x",
        "sftp://@files.example/x",
        "sftp://-oProxyCommand=x@files.example/x",
        "sftp://plant@-oProxyCommand=x/y",
        "sftp://plant@files.example:0/x",
        "sftp://plant@files.example:ssh/x",
        "sftp://plant@[files.example]/x",
        "sftp://plant@/x",
        "ftp://plant@files.example/a/../b",
        "ftp://plant@files.example/a%0Ab",
        "ftp://a%0Ab@files.example/x",
        "webdav:///x",
        "sftp://plant:s3c/ret@files.example/x",
        "webdavs://plant:s3c/ret@files.example/x",
    ] {
        let error = format!("{:#}", place(wrong).unwrap_err());
        assert!(error.contains("expected"), "{wrong}: {error}");
        assert!(!error.contains("s3c") && !error.contains("ret@"), "{error}");
    }
}

#[test]
fn secrets_in_a_url_are_refused_and_not_repeated() {
    for wrong in [
        "sftp://plant:s3cret@files.example/x",
        "sftp://plant@s3cret@files.example/x",
        "ftp://plant:s3cret@files.example/x",
        "ftps://plant:s3cret@files.example/x",
        "webdav://s3cret@files.example/x",
        "webdavs://plant:s3cret@files.example/x",
        "webdavs://files.example/x?token=s3cret",
        "ftp://plant@files.example/x?password=s3cret",
    ] {
        let error = format!("{:#}", refuse_keys(wrong).unwrap_err());
        assert!(!error.contains("s3cret") && error.contains("COCKPIT_"), "{error}");
        let error = format!("{:#}", open_location(wrong, Purpose::Read).unwrap_err());
        assert!(!error.contains("s3cret"), "{error}");
    }
    for good in ["sftp://plant@h/x", "ftp://plant@h:2121/x", "ftps://plant@h", "webdav://h:80/x"] {
        assert!(refuse_keys(good).is_ok(), "{good}");
    }
}

#[test]
fn a_lake_is_not_written_to_a_file_server() {
    for scheme in SCHEMES {
        let text = format!("{scheme}://files.example/lake");
        let error = open_location(&text, Purpose::Write).unwrap_err().to_string();
        assert!(error.contains("bucket of dumps only"), "{error}");
    }
}

#[test]
fn a_private_key_is_a_file_or_a_text() {
    let url = "sftp://plant@files.example/x";
    fails(url, &[], &[SFTP_KEY, "file:PATH", "plant", "files.example"]);
    fails(url, &[(SFTP_KEY, "s3cret")], &[SFTP_KEY, "no private key"]);
    fails(url, &[(SFTP_KEY, "file:/no/such/key")], &[SFTP_KEY, "/no/such/key"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let text = "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cret\n-----END OPENSSH PRIVATE KEY-----\n";
    std::fs::write(&file, text).unwrap();
    let reference = format!("file:{}", file.display());
    for key in [reference.as_str(), text] {
        let location = opened(url, &[(SFTP_KEY, key)]).unwrap();
        assert!(location.is_file_server && location.folder.is_none());
        assert_eq!(location.url.as_str(), "sftp://plant@files.example:22/x/");
        assert_eq!(location.name, url);
        let shown = format!("{location:?} {:?}", location.root);
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let absent = [(SFTP_KEY, text), (SFTP_KNOWN_HOSTS, "/no/such/hosts")];
    fails(url, &absent, &[SFTP_KNOWN_HOSTS, "/no/such/hosts"]);
}

#[test]
fn a_password_of_ftp_is_required_and_hidden() {
    let url = "ftp://plant@files.example/x";
    fails(url, &[], &[FTP_PASSWORD, "plant", "files.example"]);
    fails(url, &[(FTP_PASSWORD, "file:/no/such/password")], &[FTP_PASSWORD, "/no/such/password"]);
    fails(url, &[(FTP_PASSWORD, "s3cret\r\nDELE x")], &[FTP_PASSWORD, "line end"]);
    let location = opened(url, &[(FTP_PASSWORD, "s3cret")]).unwrap();
    assert!(!format!("{location:?} {:?}", location.root).contains("s3cret"));
    assert!(opened("ftp://anonymous@files.example/x", &[]).is_ok());
}

#[test]
fn the_port_of_ftps_chooses_how_tls_begins() {
    let security = |text: &str| {
        let (scheme, _) = text.split_once("://").unwrap();
        let env = |name: &str| (name == FTP_PASSWORD).then(|| "x".to_owned());
        ftp(scheme, &place(text).unwrap(), env).unwrap().security
    };
    assert_eq!(security("ftp://plant@h/x"), FtpSecurity::Plain);
    assert_eq!(security("ftps://plant@h/x"), FtpSecurity::Explicit);
    assert_eq!(security("ftps://plant@h:2121/x"), FtpSecurity::Explicit);
    assert_eq!(security("ftps://plant@h:990/x"), FtpSecurity::Implicit);
}

#[test]
fn webdav_has_one_login_or_none() {
    let url = "webdav://files.example/dav";
    let password = [(WEBDAV_USER, "plant"), (WEBDAV_PASSWORD, "s3cret")];
    for variables in [&password[..], &[(WEBDAV_TOKEN, "s3cret")], &[]] {
        let location = opened(url, variables).unwrap();
        assert!(!format!("{location:?} {:?}", location.root).contains("s3cret"));
    }
    for wrong in
        [&password[..1], &password[1..], &[(WEBDAV_USER, "plant"), (WEBDAV_TOKEN, "s3cret")]]
    {
        fails(url, wrong, &[WEBDAV_USER, WEBDAV_TOKEN]);
    }
}

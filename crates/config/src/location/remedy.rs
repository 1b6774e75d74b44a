//! What to do about a request that an object store or a file server refused.

use super::server;
use fileserver::Cause;

/// The variables of a service, for errors.
struct Service {
    /// Its whole family of variables.
    variables: &'static str,
    /// The variables that contain or name keys.
    keys: &'static str,
    /// The variable with its address.
    endpoint: &'static str,
    /// What the URL names.
    place: &'static str,
}

const S3: Service = Service {
    variables: "the AWS variables",
    keys: "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    endpoint: "AWS_ENDPOINT_URL",
    place: "bucket and AWS_REGION",
};

const GOOGLE: Service = Service {
    variables: "the GOOGLE variables",
    keys: "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT_KEY",
    endpoint: "GOOGLE_BASE_URL",
    place: "bucket",
};

const AZURE: Service = Service {
    variables: "the AZURE variables",
    keys: "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CLIENT_SECRET",
    endpoint: "AZURE_STORAGE_ENDPOINT",
    place: "container and of AZURE_STORAGE_ACCOUNT_NAME",
};

/// What the metadata services of cloud machines are requested by, if there is no other credential.
const METADATA: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

fn service(scheme: &str) -> Option<&'static Service> {
    match scheme {
        "s3" | "s3a" => Some(&S3),
        "gs" => Some(&GOOGLE),
        "az" | "abfs" | "abfss" => Some(&AZURE),
        _ => None,
    }
}

/// Which variables contain keys of the service of a URL.
pub fn variables(scheme: &str) -> &'static str {
    if server::SCHEMES.contains(&scheme) {
        return server_keys(scheme);
    }
    service(scheme).map_or("variables of the environment", |service| service.variables)
}

/// What to do about a request to the service of a URL that failed with the text `error`, as the end of a sentence.
pub fn of(scheme: &str, error: &str) -> Option<String> {
    if server::SCHEMES.contains(&scheme) {
        return of_server(scheme, error);
    }
    let Service { keys, endpoint, place, .. } = service(scheme)?;
    let has_status = |status: &str| error.contains(&format!("status code: {status}"));
    Some(if METADATA.iter().any(|host| error.contains(host)) {
        format!("no key is set, and this machine has no identity in the cloud: set {keys}")
    } else if has_status("401") || has_status("403") {
        format!("check {keys}, and that this account may list and read it")
    } else if has_status("404") {
        format!("check the name of the {place}")
    } else if has_status("") {
        "the service refuses the request; try again later".to_owned()
    } else {
        format!("check that this machine reaches the service, and {endpoint} if it is set")
    })
}

/// The variables with the keys of a file server.
fn server_keys(scheme: &str) -> &'static str {
    match scheme {
        "sftp" => "COCKPIT_SFTP_KEY",
        "ftp" | "ftps" => "COCKPIT_FTP_PASSWORD",
        _ => "COCKPIT_WEBDAV_USER with COCKPIT_WEBDAV_PASSWORD, or COCKPIT_WEBDAV_TOKEN",
    }
}

/// The same for a file server.
fn of_server(scheme: &str, error: &str) -> Option<String> {
    let keys = server_keys(scheme);
    Some(match Cause::of_text(error)? {
        Cause::Absent => "check the path of the URL".to_owned(),
        Cause::Denied => "allow the user to list and read the folder".to_owned(),
        Cause::Refused if scheme == "sftp" => format!(
            "check the user of the URL and {keys}, whose public key must be among the authorized keys of that user"
        ),
        Cause::Refused if scheme.starts_with("ftp") => {
            format!("check the user of the URL and {keys}")
        }
        Cause::Refused => format!("check {keys}"),
        Cause::HostKey => {
            "compare the fingerprint of `ssh-keyscan -p PORT HOST | ssh-keygen -lf -` with that of the server's \
             administrator, and add the keys to the file of COCKPIT_SFTP_KNOWN_HOSTS; remove an old key only if the \
             server was replaced"
                .to_owned()
        }
        Cause::Certificate => "check the name of the host, and set COCKPIT_FILE_SERVER_CA to the file of the \
                               authority that issued the certificate"
            .to_owned(),
        Cause::Local => "repair what is named, then try again".to_owned(),
        Cause::Away | Cause::Broken => {
            "check host and port of the URL, and that this machine reaches the server".to_owned()
        }
        Cause::Unsupported => "check scheme, host and port of the URL".to_owned(),
        Cause::TooMany => "use a narrower folder, or raise file_server_names or file_server_depth".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_a_file_server_has_a_remedy() {
        let check = |scheme: &str, cause: Cause, expected: &str| {
            let error = format!("Generic SFTP error: {}: files.example:22: x", cause.as_str());
            let remedy = of(scheme, &error).unwrap_or_default();
            assert!(remedy.contains(expected), "{scheme} {error}: {remedy}");
        };
        check("sftp", Cause::Refused, "COCKPIT_SFTP_KEY");
        check("sftp", Cause::HostKey, "COCKPIT_SFTP_KNOWN_HOSTS");
        check("ftp", Cause::Refused, "COCKPIT_FTP_PASSWORD");
        check("ftps", Cause::Certificate, "COCKPIT_FILE_SERVER_CA");
        check("webdav", Cause::Refused, "COCKPIT_WEBDAV_TOKEN");
        check("webdavs", Cause::Away, "host and port");
        check("ftp", Cause::TooMany, "file_server_names");
        assert_eq!(of("sftp", "disk full"), None);
    }

    #[test]
    fn each_failure_has_a_remedy() {
        let check = |scheme: &str, error: &str, expected: &str| {
            let remedy = of(scheme, error).unwrap_or_default();
            assert!(remedy.contains(expected), "{scheme} {error}: {remedy}");
        };
        let refused = "Server returned non-2xx status code: 403 Forbidden: <Error/>";
        check("az", refused, "AZURE_STORAGE_ACCOUNT_KEY");
        check("abfss", refused, "AZURE_STORAGE_ACCOUNT_KEY");
        check("gs", "non-2xx status code: 401 Unauthorized", "GOOGLE_SERVICE_ACCOUNT_KEY");
        check("s3", refused, "AWS_ACCESS_KEY_ID");
        check("gs", "non-2xx status code: 404 Not Found", "name of the bucket");
        check("az", "non-2xx status code: 404 Not Found", "AZURE_STORAGE_ACCOUNT_NAME");
        check("az", "tcp connect error: Connection refused", "AZURE_STORAGE_ENDPOINT");
        check("gs", "non-2xx status code: 503 Service Unavailable", "later");
        check("az", "GET http://169.254.169.254/metadata/identity", "no key is set");
        assert_eq!(of("file", refused), None);
    }
}

//! Buckets of Google Cloud Storage and Azure Blob Storage: their errors, and no key in them.

use crate::manners::refusing_service;
use crate::world::World;

const SECRET: &str = "c2VjcmV0IGtleQ==";

/// Errors of each service as it writes them.
const AZURE_REFUSAL: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code>\
    <Message>Server failed to authenticate the request.\nRequestId:1\nTime:2</Message>\
    <AuthenticationErrorDetail>string to sign</AuthenticationErrorDetail></Error>";
const GOOGLE_REFUSAL: &str = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code>\
    <Message>Access denied.</Message><Details>plant@example.com has no storage.objects.list</Details></Error>";
const NO_BUCKET: &str = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchBucket</Code>\
    <Message>The specified bucket does not exist.</Message></Error>";

/// Runs a command that must fail with one line which contains `words`, and without the secret.
#[track_caller]
fn fails(command: &[&str], env: &[(&str, &str)], words: &[&str]) {
    let outcome = World::new().run_with(command, env);
    let lines = outcome.stderr.lines().filter(|line| !line.is_empty()).count();
    assert_eq!(lines, 1, "{}", outcome.stderr);
    for hidden in [SECRET, "sig=", "<", "string to sign", "RequestId"] {
        assert!(!outcome.stderr.contains(hidden), "{hidden}: {}", outcome.stderr);
    }
    assert!(!outcome.stdout.contains(SECRET), "{}", outcome.stdout);
    outcome.failure(words);
}

const INGEST: &[&str] = &["ingest", "--once"];

#[test]
fn a_refusal_of_azure_is_one_sentence_with_a_remedy() {
    let address = refusing_service("403 Forbidden", AZURE_REFUSAL);
    let endpoint = format!("{address}/plant");
    let signature = format!("sv=2021-12-02&sig={SECRET}");
    for (variable, value) in [
        ("AZURE_STORAGE_ACCOUNT_KEY", SECRET),
        ("AZURE_STORAGE_KEY", SECRET),
        ("AZURE_STORAGE_SAS_TOKEN", &signature),
        ("AZURE_STORAGE_TOKEN", SECRET),
    ] {
        let env = [
            ("AZURE_STORAGE_ACCOUNT_NAME", "plant"),
            ("AZURE_STORAGE_ENDPOINT", &endpoint),
            ("COCKPIT_BUCKET", "az://dumps/line 1"),
            ("COCKPIT_LOG", "trace"),
            (variable, value),
        ];
        let words = [
            "az://dumps/line 1",
            "check AZURE_STORAGE_ACCOUNT_KEY",
            "403 Forbidden: AuthenticationFailed, ",
        ];
        let outcome = World::new().run_with(INGEST, &env);
        assert!(!outcome.stderr.contains(SECRET), "{variable}: {}", outcome.stderr);
        outcome.failure(&words);
        fails(INGEST, &env[..3].iter().chain(&env[4..]).copied().collect::<Vec<_>>(), &words);
    }
}

#[test]
fn a_refusal_of_google_is_one_sentence_with_a_remedy() {
    for (status, body, words) in [
        (
            "401 Unauthorized",
            GOOGLE_REFUSAL,
            ["GOOGLE_APPLICATION_CREDENTIALS", "AccessDenied, Access denied."],
        ),
        ("404 Not Found", NO_BUCKET, ["check the name of the bucket", "NoSuchBucket"]),
    ] {
        let address = refusing_service(status, body);
        let env =
            [("STORAGE_EMULATOR_HOST", address.as_str()), ("COCKPIT_BUCKET", "gs://dumps/line 1")];
        fails(INGEST, &env, &[&["gs://dumps/line 1", status][..], &words].concat());
    }
}

#[test]
fn a_key_that_is_invalid_is_reported_before_it_is_used() {
    let google = ("COCKPIT_BUCKET", "gs://dumps/x");
    let key = format!(r#"{{"client_email":"a","private_key_id":"1","private_key":"{SECRET}"}}"#);
    fails(INGEST, &[google, ("GOOGLE_SERVICE_ACCOUNT_KEY", &key)], &["cannot open the bucket"]);
    fails(INGEST, &[google, ("GOOGLE_SERVICE_ACCOUNT_KEY", SECRET)], &["not a JSON object"]);
    let absent = ("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/key.json");
    fails(INGEST, &[google, absent], &["GOOGLE_APPLICATION_CREDENTIALS", "/no/such/key.json"]);
    let azure = [("COCKPIT_BUCKET", "az://dumps/x"), ("AZURE_STORAGE_KEY", "c2VjcmV0!")];
    fails(INGEST, &azure, &["Base64"]);
    fails(INGEST, &azure[..1], &["AZURE_STORAGE_ACCOUNT_NAME", "abfss://"]);
    let endpoint = format!("https://plant.blob.core.windows.net/?sig={SECRET}");
    let account = ("AZURE_STORAGE_ACCOUNT_NAME", "plant");
    fails(
        INGEST,
        &[azure[0], account, ("AZURE_STORAGE_ENDPOINT", &endpoint)],
        &["AZURE_STORAGE_ENDPOINT"],
    );
}

#[test]
fn a_lake_at_google_or_azure_is_refused() {
    for url in ["gs://lake/x", "az://lake/x", "abfss://lake@plant.dfs.core.windows.net/x"] {
        for command in [INGEST, &["config"], &["tables"], &["serve"]] {
            fails(
                command,
                &[("COCKPIT_LAKE", url)],
                &["bucket of dumps only", "s3://bucket/prefix"],
            );
        }
    }
}

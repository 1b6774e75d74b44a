//! Settings are printed with their source and reason; secrets are printed nowhere.

use crate::world::{Outcome, World};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

const SECRET: &str = "tOpSeCrEt0123456789";

/// `page_rows` is the former name of a limit.
#[test]
fn every_limit_is_printed_with_its_reason() {
    let world = World::new();
    let text = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    world.write("plant.toml", &format!("{text}\n[limits]\npage_rows = 7\n"));
    let outcome = world.run_with(&["config"], &[("COCKPIT_LISTING_EVERY_S", "5")]).success();
    crate::world::golden("config", "output.txt", &world.plain(&outcome.stdout));
    assert!(outcome.stderr.contains("setting is deprecated"), "{}", outcome.stderr);
    let limits: Vec<&str> = outcome.stdout.lines().skip_while(|it| *it != "[limits]").collect();
    for pair in limits.windows(2).filter(|pair| pair[1].contains(" = ")) {
        let (_, reason) = pair[0].split_once(" Default ").unwrap_or_else(|| panic!("{pair:?}"));
        assert!(reason.len() > 10, "{pair:?}");
    }
}

#[test]
fn the_printed_configuration_can_be_used_as_plant_toml() {
    let world = World::new();
    let text = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    let before = world.run(&["config"]).success().stdout;
    let limits = &before[before.find("[limits]").unwrap()..];
    world.write("plant.toml", &format!("{text}\n{limits}\n"));
    let after = world.run(&["config"]).success().stdout;
    let values = |text: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(" #"));
        lines.map(|(value, _)| value.trim_end().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&after), values(&before));
    let limit = after.lines().find(|line| line.starts_with("batch_rows")).unwrap();
    assert!(limit.ends_with("# plant.toml"), "{limit}");
}

/// A value is shown as configured even if it equals the default.
#[test]
fn a_setting_of_kafka_is_shown_with_its_source() {
    let world = World::new();
    let text = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    let section = "[kafka]\nprotocol = \"ssl\"\ngroup = \"cockpit\"\n";
    world.write("plant.toml", &format!("{text}\n{section}"));
    let printed = world.run(&["config"]).success().stdout;
    let origin = |name: &str| {
        let line = printed.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        line.split_once(" # ").unwrap().1.to_owned()
    };
    let found = ["group", "protocol", "ca_file", "key_password_env"].map(origin);
    assert_eq!(found, ["plant.toml", "plant.toml", "default", "default"]);
}

#[test]
fn an_invalid_limit_and_an_unknown_one_are_refused() {
    let world = World::new();
    let with = |value: &str| world.run_with(&["config"], &[("COCKPIT_LISTING_EVERY_S", value)]);
    for value in ["0", "-1", "soon", "1.5", "99999999999999999999"] {
        with(value).failure(&["COCKPIT_LISTING_EVERY_S", value, "whole number"]);
    }
    let text = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    world.write("plant.toml", &format!("{text}\n[limits]\npage_row_max = 7\nquery_slots = 0\n"));
    for command in ["config", "check", "tables"] {
        let words = [
            "plant.toml:17",
            "unknown key `page_row_max`",
            "`page_rows_max`",
            "plant.toml:18",
            "invalid query_slots `0`",
        ];
        world.run(&[command]).failure(&words);
    }
}

/// Every file below `folder` that contains the secret.
fn leaks(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            leaks(&path, found);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        if bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
}

#[track_caller]
fn contains_no_secret(outcome: &Outcome) {
    assert!(!outcome.stdout.contains(SECRET), "{}", outcome.stdout);
    assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
}

const COMMANDS: [&[&str]; 7] = [
    &["config"],
    &["check"],
    &["ingest", "--once"],
    &["tables"],
    &["rejected"],
    &["rebuild"],
    &["sql", "SELECT * FROM meta.files"],
];

/// An S3 service that lists one dump and serves it.
fn s3(dump: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let body = if first.contains("list-type") {
                let key =
                    if first.contains("prefix=dumps%2F%26") { "none" } else { "dumps/plan.csv" };
                format!(
                    "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>\
                     <Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00Z</LastModified>\
                     <ETag>\"1\"</ETag><Size>{}</Size></Contents></ListBucketResult>",
                    dump.len()
                )
            } else {
                dump.to_owned()
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"1\"\r\nConnection: close\r\n\
                 Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    port
}

#[test]
fn keys_of_the_environment_are_not_disclosed() {
    let world = World::new();
    let port =
        s3("Id,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,8,S1,5\n2,a,2024-01-01,8,S1,x\n");
    let endpoint = format!("http://127.0.0.1:{port}");
    let env = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SECRET),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_REGION", "here-1"),
        ("COCKPIT_BUCKET", "s3://plant/dumps"),
    ];
    for command in COMMANDS {
        let mut arguments = command.to_vec();
        arguments.extend(["--log", "trace"]);
        let outcome = world.run_with(&arguments, &env).success();
        contains_no_secret(&outcome);
    }
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 1);
    let mut found = Vec::new();
    leaks(&world.path("lake"), &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn keys_in_a_url_are_refused_and_not_repeated() {
    let world = World::new();
    for url in [
        format!("s3://key:{SECRET}@bucket/dumps"),
        format!("s3://{SECRET}@bucket/dumps"),
        format!("s3://bucket/dumps?X-Amz-Signature={SECRET}"),
        format!("https://key:{SECRET}@host/bucket"),
        format!("gs://key:{SECRET}@bucket/dumps"),
        format!("az://dumps/x?sv=2021-12-02&sig={SECRET}"),
        format!("abfss://dumps:{SECRET}@plant.dfs.core.windows.net/x"),
        format!("abfss://{SECRET}@plant.dfs.core.windows.net/x"),
        format!("s3://key:{SECRET}@"),
    ] {
        for variable in ["COCKPIT_BUCKET", "COCKPIT_LAKE"] {
            for command in [&["config"][..], &["ingest", "--once"], &["tables"]] {
                let outcome = world.run_with(command, &[(variable, &url)]);
                contains_no_secret(&outcome);
                outcome.failure(&["error"]);
            }
        }
    }
}

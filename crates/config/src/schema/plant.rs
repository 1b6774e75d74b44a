//! The keys of `plant.toml`.

use super::{Key, Kind, Table};
use crate::kafka::{MECHANISMS, PROTOCOLS};
use crate::openid::ROLES;
use crate::settings::{ACCESS_MODES, Access, Limits, Section as _, Setting};
use crate::temperature::{LIMIT_C, SENSOR_SILENT_S};

pub const PLANT: Table = Table::new(
    "A plant: name, zone, calendar, equipment, and where its data is.",
    &[
        Key::text("name", "Name of the plant.").required().example("\"Kerala\""),
        Key::text("description", "One line about the plant.").default("\"\""),
        Key::text("zone", "IANA time zone of the plant.").required().example("\"Asia/Kolkata\""),
        Key::text("currency", "ISO 4217 code of the money in the dumps.")
            .default("\"\"")
            .example("\"INR\""),
        Key::text(
            "bucket",
            "Where the dumps are: s3://, gs:// or az://bucket/prefix, a file server, or a path.",
        )
        .example("\"s3://plant/dumps\""),
        Key::text("lake", "Where the lake is: s3://bucket/prefix, file:///path or a path.")
            .default("\"./cockpit-data\""),
        Key::text("enterprise", "Uppermost level of the equipment (ISA-95).").default("\"\""),
        Key::text("site", "Second level of the equipment (ISA-95).").default("\"\""),
        Key::new("kafka", Kind::Table(&KAFKA), "Connection to the Kafka brokers."),
        Key::new("serve", Kind::Table(&SERVE), "Pages and HTTP interface."),
        Key::new("temperature", Kind::Table(&TEMPERATURE), "Temperatures of components."),
        Key::new("access", Kind::Table(&ACCESS), "Users, sessions, tokens and audit log."),
        Key::new("openid", Kind::Tables(&OPENID), "Providers of OpenID Connect to log in with."),
        Key::new("limits", Kind::Table(&LIMITS), "Limits, timeouts and sizes of the program."),
        Key::new("shift", Kind::Tables(&SHIFT), "Shifts, plant time."),
        Key::new("rest", Kind::Tables(&REST), "Days without planned work."),
        Key::new("line", Kind::Tables(&LINE), "Lines of the equipment."),
        Key::new("unit", Kind::Tables(&UNIT), "Units of the equipment."),
    ],
);

const KAFKA: Table = Table::new(
    "Connection to the Kafka brokers. Secrets are in an environment variable or a file that is named here.",
    &[
        Key::text(
            "brokers",
            "Brokers as host:port, separated by commas; without it no topic is read.",
        )
        .example("\"kafka-1:9092,kafka-2:9092\""),
        Key::text("group", "Consumer group: processes of one group share the partitions.")
            .default("\"cockpit\""),
        Key::new("protocol", Kind::Choice(&PROTOCOLS), "Protection of the connection.")
            .default("\"plaintext\""),
        Key::new("mechanism", Kind::Choice(&MECHANISMS), "SASL mechanism.").default("\"PLAIN\""),
        Key::text("user", "SASL user.").example("\"cockpit\""),
        Key::text("password", "Reference to the password: env:NAME, file:PATH or credential:NAME.")
            .example("\"credential:kafka-password\""),
        Key::text("password_env", "Environment variable that holds the password.")
            .default("\"COCKPIT_KAFKA_PASSWORD\""),
        Key::text("token_file", "File that holds the token of OAUTHBEARER.")
            .example("\"/run/secrets/token\""),
        Key::text("token_env", "Environment variable that holds the token if no file does.")
            .default("\"COCKPIT_KAFKA_TOKEN\""),
        Key::text("ca_file", "Certificates of trusted authorities (PEM) instead of the system's.")
            .example("\"/etc/cockpit/ca.pem\""),
        Key::text("cert_file", "Client certificate (PEM).").example("\"/etc/cockpit/client.pem\""),
        Key::text("key_file", "Key of the client certificate (PEM).")
            .example("\"/etc/cockpit/client.key\""),
        Key::text("key_password", "Reference to the password of the key.")
            .example("\"file:/run/secrets/kafka-key\""),
        Key::text("key_password_env", "Environment variable that holds the password of the key.")
            .default("\"COCKPIT_KAFKA_KEY_PASSWORD\""),
        Key::text(
            "schema_registry",
            "URL of the schema registry; without it, framed messages are JSON.",
        )
        .example("\"https://registry:8081\""),
        Key::text("schema_registry_user", "User of the registry.").example("\"cockpit\""),
        Key::text("schema_registry_password", "Reference to the password of that user.")
            .example("\"env:REGISTRY_PASSWORD\""),
        Key::text(
            "schema_registry_token",
            "Reference to a bearer token, instead of user and password.",
        )
        .example("\"file:/run/secrets/registry-token\""),
        Key::text(
            "schema_registry_ca_file",
            "Certificates of trusted authorities (PEM) beside the system's.",
        )
        .example("\"/etc/cockpit/ca.pem\""),
    ],
);

const SERVE: Table = Table::new(
    "Pages and HTTP interface.",
    &[
        Key::text("listen", "Where to listen: port, host or host:port.")
            .default("\"127.0.0.1:8080\""),
        Key::texts("hosts", "Names of the service in addition to localhost.")
            .default("[]")
            .example("[\"cockpit.plant.example\"]"),
        Key::text("public_url", "The address people open, without path.")
            .example("\"https://cockpit.plant.example\""),
        Key::text(
            "certificate",
            "Certificate of the service and of its issuers (PEM); turns on HTTPS.",
        )
        .example("\"/etc/cockpit/cockpit.crt\""),
        Key::text("key", "Private key of the certificate (PEM), without password.")
            .example("\"/etc/cockpit/cockpit.key\""),
        Key::texts(
            "trusted_proxies",
            "Address ranges of reverse proxies whose X-Forwarded headers are trusted.",
        )
        .default("[]")
        .example("[\"10.0.0.5\"]"),
        Key::text(
            "postgres_listen",
            "Where to listen for PostgreSQL clients: port, host or host:port; without it, nowhere.",
        )
        .example("\"0.0.0.0:5432\""),
        Key::text(
            "flight_listen",
            "Where to listen for Arrow Flight SQL: port, host or host:port; without it, nowhere.",
        )
        .example("\"0.0.0.0:31337\""),
    ],
);

const TEMPERATURE: Table = Table::new(
    "Temperatures of components; the live page and the models use the same values.",
    &[
        Key::new(LIMIT_C.name, Kind::Decimal, LIMIT_C.description).default("50"),
        Key::new(SENSOR_SILENT_S.name, Kind::Number(1, u64::MAX), SENSOR_SILENT_S.description)
            .default("60"),
    ],
);

const ACCESS: Table = Table::new(
    "Users, sessions, tokens and audit log.",
    &[
        Key::new(
            "mode",
            Kind::Choice(&ACCESS_MODES),
            "Who may use the program: users who log in, or everyone.",
        ),
        Key::text("state", "Folder of the database of users; by default beside a local lake.")
            .example("\"/var/lib/cockpit/access\""),
        Key::texts(
            "require_second_factor",
            "Roles whose holders need a second factor when they log in by password.",
        )
        .default("[]")
        .example("[\"engineer\", \"administrator\"]"),
    ],
)
.with_settings(access_settings);

const OPENID: Table = Table::new(
    "A provider of OpenID Connect that users can log in with.",
    &[
        Key::text("name", "Its name in addresses and in the audit log: small letters, digits and `-`.")
            .required()
            .example("\"keycloak\""),
        Key::text("title", "Its name on the login page; by default its name.")
            .example("\"Plant login\""),
        Key::text("issuer", "Issuer, exactly as the provider spells it; https, except on this machine.")
            .required()
            .example("\"https://id.plant.example/realms/plant\""),
        Key::text("client_id", "Client id that the provider issued.")
            .required()
            .example("\"cockpit\""),
        Key::text(
            "client_secret",
            "Reference to the client secret: env:NAME, file:PATH or credential:NAME; a public client has none.",
        )
        .example("\"credential:openid-secret\""),
        Key::texts("scopes", "Scopes to request in addition to openid.").default("[\"profile\"]"),
        Key::text(
            "groups_claim",
            "Claim with the groups; a dot leads into an object, such as realm_access.roles.",
        )
        .default("\"groups\""),
        Key::text("name_claim", "Claim that the name of a new user is made of.")
            .default("\"preferred_username\""),
        Key::new("adds_users", Kind::Flag, "Whether the first login of a person adds a user.")
            .default("true"),
        Key::new(
            "logs_out",
            Kind::Flag,
            "Whether a logout ends the session at the provider too, if it offers that.",
        )
        .default("true"),
        Key::text("ca_file", "Certificates of trusted authorities (PEM) instead of the system's.")
            .example("\"/etc/cockpit/ca.pem\""),
        Key::texts(
            "allowed_addresses",
            "Private address ranges of hosts of the provider other than the issuer's.",
        )
        .default("[]")
        .example("[\"10.0.0.0/8\"]"),
        Key::new("role", Kind::Tables(&OPENID_ROLE), "Roles that groups of the provider give."),
    ],
);

const OPENID_ROLE: Table = Table::new(
    "A role that the members of a group get at each login.",
    &[
        Key::text("group", "Group, exactly as the provider spells it.")
            .required()
            .example("\"smt-operators\""),
        Key::new("role", Kind::Choice(&ROLES), "Role that the members get.").required(),
        Key::text("scope", "Where the role holds: plant, area:NAME or line:AREA/NAME.")
            .default("\"plant\"")
            .example("\"area:SMT\""),
    ],
);

const LIMITS: Table = Table::new(
    "Limits, timeouts and sizes of the program; the unit is the end of the name.",
    &[
        Key::new("temp_limit_c", Kind::Number(0, 2_000), "Use limit_c in [temperature].")
            .deprecated(),
        Key::new("sensor_silent_s", Kind::Number(1, u64::MAX), "Use it in [temperature].")
            .deprecated(),
    ],
)
.with_settings(limit_settings);

fn access_settings() -> Vec<Setting> {
    Access::default().limits.settings().to_vec()
}

fn limit_settings() -> Vec<Setting> {
    let limits = Limits::default();
    limits.sections().iter().flat_map(|(_, section)| section.settings()).copied().collect()
}

const SHIFT: Table = Table::new(
    "A shift, plant time; one that ends before it starts ends on the next day.",
    &[
        Key::text("name", "Name of the shift, as pages and tables show it.")
            .required()
            .example("\"A\""),
        Key::text("start", "Time of day at which it starts.").required().example("\"06:00\""),
        Key::text("end", "Time of day at which it ends.").required().example("\"14:00\""),
        Key::texts("breaks", "Time spans without planned work.")
            .default("[]")
            .example("[\"09:30-09:45\"]"),
        Key::text("from", "First day on which the shift applies.").example("\"2026-01-01\""),
        Key::text("until", "Last day on which the shift applies.").example("\"2026-12-31\""),
    ],
);

const REST: Table = Table::new(
    "Days without planned work: one of day, weekday, or from and until.",
    &[
        Key::text("name", "Reason.").required().example("\"Republic Day\""),
        Key::text("day", "One day.").example("\"2026-01-26\""),
        Key::text("weekday", "A day of every week.").example("\"Sunday\""),
        Key::text("from", "First day of a period.").example("\"2026-08-01\""),
        Key::text("until", "Last day of a period.").example("\"2026-08-14\""),
        Key::texts("lines", "Lines it applies to; without it, all.").example("[\"Assembly\"]"),
        Key::flag("working", "Work is planned on these days in spite of another rest."),
    ],
);

const LINE: Table = Table::new(
    "A line of the equipment.",
    &[
        Key::text("name", "Name of the line.").required().example("\"Assembly\""),
        Key::text("area", "Area it belongs to.").default("\"\"").example("\"SMT\""),
    ],
);

const UNIT: Table = Table::new(
    "A unit of the equipment.",
    &[
        Key::text("name", "Name of the unit.").required().example("\"PRESS-1\""),
        Key::text("line", "Line it belongs to.").default("\"\"").example("\"Assembly\""),
        Key::texts("stations", "Names of the unit in the MES.").default("[]").example("[\"P1\"]"),
        Key::texts("lanes", "Plant and lane of its sensors.").default("[]").example("[\"P1/L2\"]"),
    ],
);

//! Servers that let in only whom they know: credentials with few rights, and certificates.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use codeagent_tests::binary::{Ended, until};
use codeagent_tests::nats::NatsServers;
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::{Bed, leaves};

/// What a worker needs, and no more: it makes, deletes and empties nothing but its own long texts, and steers no run.
const WORKER_MAY: [&str; 13] = [
    "ca.>",
    "$JS.ACK.>",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.DIRECT.GET.>",
    "$JS.API.CONSUMER.INFO.*.*",
    "$JS.API.CONSUMER.MSG.NEXT.*.workers",
    "$JS.API.CONSUMER.CREATE.>",
    "$JS.API.CONSUMER.DELETE.>",
    "$KV.>",
    "$O.>",
    "$JS.FC.>",
];

/// A claim, signed.
fn signed(claims: &Value, by: &KeyPair) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ed25519-nkey"})), part(claims));
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(by.sign(text.as_bytes()).unwrap()))
}

fn claims(of: &KeyPair, by: &KeyPair, nats: &Value) -> Value {
    json!({
        "jti": format!("test-{}", of.public_key()), "iat": 1_700_000_000, "iss": by.public_key(),
        "sub": of.public_key(), "name": "test", "nats": nats,
    })
}

/// Operator, accounts and users, as `nsc` makes them.
struct Accounts {
    account: KeyPair,
    config: String,
}

impl Accounts {
    fn new() -> Self {
        let (operator, account, system) =
            (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
        let limits = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
        });
        let of_account = json!({"limits": limits, "type": "account", "version": 2});
        let mut of_system = of_account.clone();
        // JetStream is not for the system's own account.
        for key in ["mem_storage", "disk_storage", "streams", "consumer"] {
            of_system["limits"].as_object_mut().unwrap().remove(key);
        }
        let of_operator = json!({"type": "operator", "version": 2, "system_account": system.public_key()});
        let config = format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}",
            signed(&claims(&operator, &operator, &of_operator), &operator),
            system.public_key(),
            account.public_key(),
            signed(&claims(&account, &operator, &of_account), &operator),
            system.public_key(),
            signed(&claims(&system, &operator, &of_system), &operator),
        );
        Self { account, config }
    }

    /// The credentials of a user who may publish this.
    fn user(&self, may: &[&str]) -> (String, String) {
        let user = KeyPair::new_user();
        let rights = json!({
            "pub": {"allow": may}, "sub": {"allow": ["_INBOX.>", "ca.*.ev.>"]}, "subs": -1, "data": -1,
            "payload": -1, "type": "user", "version": 2,
        });
        let (jwt, seed) =
            (signed(&claims(&user, &self.account, &rights), &self.account), user.seed().unwrap());
        let creds = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        (creds, seed)
    }
}

#[test]
fn credentials_let_in_whom_the_servers_know_and_are_never_shown() {
    let accounts = Accounts::new();
    let Some(nats) = NatsServers::configured(&accounts.config) else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let (coordinators, coordinators_key) = accounts.user(&[">"]);
    let (workers, workers_key) = accounts.user(&WORKER_MAY);
    for (name, text) in [("head.creds", &coordinators), ("worker.creds", &workers)] {
        let _ = bed.place.file(name, text);
    }
    let stranger = bed.queue(&["status"]);
    assert_eq!(stranger.code, Some(4), "{stranger:?}");
    // Those of another operator are as good as none.
    let _ = bed.place.file("other.creds", Accounts::new().user(&[">"]).0);
    assert_eq!(bed.queue(&["status", "--creds", "other.creds"]).code, Some(4));

    let coordinator = bed.coordinator(&["--creds", "head.creds", "-vvv"]);
    let run = bed.run_id();
    until("the run is prepared", || {
        bed.queue(&["status", &run, "--creds", "worker.creds"]).stdout.contains("running")
    });
    // A worker's rights are those of a worker.
    assert_ne!(bed.queue(&["reset", &run, "--creds", "worker.creds"]).code, Some(70));
    assert!(bed.queue(&["status", &run, "--creds", "head.creds"]).stdout.contains("18 tasks lie there"));
    let worker = bed.worker(&["--creds", "worker.creds", "-vvv"]);
    let ended = Ended::within_patience(coordinator);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    bed.is_as_alone();
    bed.all_is_billed();
    let worker = Ended::within_patience(worker);
    assert_eq!(worker.code, Some(0), "{worker:?}");
    let said = format!("{ended:?}{worker:?}");
    assert!(!said.contains(&coordinators_key) && !said.contains(&workers_key));
}

#[test]
fn files_that_let_nobody_in_are_told_by_name() {
    let Some(nats) = NatsServers::single() else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let seed = KeyPair::new_user().seed().unwrap();
    let half = format!("-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n");
    let _ = bed.place.file("half.creds", &half);
    let _ = bed.place.file("key.pem", "-----BEGIN PRIVATE KEY-----\n");
    for (flags, says) in [
        (&["--creds", "absent.creds"][..], "absent.creds"),
        (&["--creds", "."], "it is no file"),
        (&["--creds", "half.creds"], "half.creds can't be used: it holds no JWT and key of a user"),
        (&["--nats-ca", "half.creds"], "it holds no certificate in PEM"),
        (&["--nats-cert", "half.creds"], "--nats-key"),
        (&["--nats-cert", "key.pem", "--nats-key", "key.pem"], "it holds no certificate in PEM"),
    ] {
        let refused = bed.queue(&[&["status"], flags].concat());
        assert!(refused.code == Some(2) && refused.stderr.contains(says), "{flags:?}: {refused:?}");
        assert!(!refused.stderr.contains(&seed), "{refused:?}");
    }
    let mut eval =
        super::eval(&bed.place, &bed.server, &["--nats", &bed.nats.urls(), "--creds", "half.creds"]);
    assert_eq!(Ended::of(&mut eval).code, Some(2));
    assert_eq!(Ended::within_patience(bed.worker(&["--creds", "half.creds"])).code, Some(2));
}

/// A certificate of `name` and its key, signed by `ca` or by itself.
fn certificate(folder: &Path, name: &str, extension: &str, ca: Option<&str>) -> (PathBuf, PathBuf) {
    let at = |name: &str, end: &str| folder.join(format!("{name}.{end}"));
    let (certificate, key) = (at(name, "pem"), at(name, "key"));
    let mut make = Command::new("openssl");
    make.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    make.args(["-subj", &format!("/CN={name}"), "-addext", extension]).arg("-keyout").arg(&key);
    make.arg("-out").arg(&certificate);
    if let Some(ca) = ca {
        make.arg("-CA").arg(at(ca, "pem")).arg("-CAkey").arg(at(ca, "key"));
        make.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    }
    let made = make.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    (certificate, key)
}

#[test]
fn certificates_let_in_whom_the_servers_know() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "openssl is missing");
        eprintln!("SKIPPED: this machine has no openssl");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (ca, _) = certificate(path, "ca", "keyUsage=critical,keyCertSign", None);
    let (server, server_key) = certificate(path, "server", "subjectAltName=IP:127.0.0.1", Some("ca"));
    let (client, client_key) = certificate(path, "client", "extendedKeyUsage=clientAuth", Some("ca"));
    let shown = |path: &PathBuf| path.display().to_string();
    let config = format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}",
        shown(&server),
        shown(&server_key),
        shown(&ca)
    );
    let Some(nats) = NatsServers::configured(&config) else { return };
    let bed = Bed::new(nats, Duration::ZERO);
    let (ca, client, client_key) = (shown(&ca), shown(&client), shown(&client_key));
    let known = ["--nats-ca", &ca, "--nats-cert", &client, "--nats-key", &client_key];
    let status = |flags: &[&str]| bed.queue(&[&["status"], flags].concat()).code;
    assert_eq!((status(&known), status(&known[..2]), status(&known[2..])), (Some(0), Some(4), Some(4)));
    let (coordinator, worker) = (bed.coordinator(&known), bed.worker(&known));
    bed.ends_as_alone(coordinator);
    leaves(worker);
}

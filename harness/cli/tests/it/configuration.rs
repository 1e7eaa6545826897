//! `plumbline serve --config`.

use std::fs;

use crate::support::{Served, plumbline, texts};

/// Exit code and stderr of a gateway that does not start with this configuration.
fn refused(text: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.yaml");
    fs::write(&path, text).unwrap();
    let mut command = plumbline();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&path).env_remove("NO_SUCH_KEY");
    let (code, stdout, stderr) = texts(command.output().unwrap());
    assert_eq!(stdout, "");
    (code, stderr)
}

#[test]
fn every_mistake_is_shown_with_its_place_and_how_to_mend_it() {
    let (code, stderr) = refused(
        "providers:\n  openai: { kind: openai, key: { env: NO_SUCH_KEY } }\nmodels:\n  gpt-4.1-mni:\n    \
         routes: [{ provider: openai }]\n  gpt-4.1-mini:\n    routes: [{ provider: opnai }]\n",
    );
    assert_eq!(code, 3, "{stderr}");
    for part in [
        "gateway.yaml:2:",
        "export NO_SUCH_KEY=…",
        "gateway.yaml:4:3",
        "did you mean `gpt-4.1-mini`?",
        "gateway.yaml:7:",
        "did you mean `openai`?",
        "3 mistakes in 1 file",
    ] {
        assert!(stderr.contains(part), "{part} is not in:\n{stderr}");
    }
}

#[test]
fn a_credential_in_the_file_is_refused_and_not_shown() {
    for (provider, told) in [
        ("{ kind: openai, key: sk-secret }", "write `{ env: NAME }`"),
        ("{ kind: openai, api_key: sk-secret }", "no field `api_key`"),
        ("{ kind: openai, key: { value: sk-secret } }", "no field `value`"),
        ("{ kind: opena, key: sk-secret }", "did you mean `openai`?"),
        ("{ kind: openai, key: { env: [sk-secret] } }", "gateway.yaml:2:"),
        ("[sk-secret]", "gateway.yaml:2:"),
    ] {
        let (code, stderr) = refused(&format!("providers:\n  openai: {provider}\n"));
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.contains(told) && !stderr.contains("sk-secret"), "{provider}: {stderr}");
    }
}

#[test]
fn a_gateway_starts_with_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.yaml");
    let text =
        "providers: { local: { kind: mock } }\nmodels: { gpt-4.1-mini: { routes: [{ provider: local }] } }\n";
    fs::write(&path, text).unwrap();
    let served = Served::start(["--config".as_ref(), path.as_os_str()]);
    assert!(served.address.starts_with("127.0.0.1:"), "{}", served.address);
}

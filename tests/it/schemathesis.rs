//! The REST API as its OpenAPI document has it: schemathesis calls a server by the document that the server serves, with
//! what fits it and with what does not.

use std::path::Path;
use std::process::{Command, Stdio};

use afterimage::auth::Role;
use afterimage::demo;

use crate::support::{Api, auth_settings, both, seed, serve_settings};

both! {
    async fn no_request_finds_the_document_wrong(world: World) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/schemathesis/bin/python");
        assert!(python.exists(), "schemathesis is not installed: run `make test-tools`");
        let server = demo::start(&world.database_url, &auth_settings(), &serve_settings(), &|_| {}).await;
        let api = Api { server: server.expect("the demo is made") };
        let token = api.token(&[Role::Admin]);
        let document = format!("http://{}/api/openapi.json", api.server.address().expect("an address"));
        let served = tokio::spawn(api.server.serve(std::future::pending()));
        let mut command = Command::new(&python);
        command.args(["-m", "schemathesis.cli", "--config-file"])
            .arg(root.join("tests/schemathesis/schemathesis.toml"))
            .args(["run", &document, "--no-color", "--seed", &seed().to_string()])
            .env("AFTERIMAGE_TOKEN", token)
            .current_dir(world.folder.path())
            .stdin(Stdio::null());
        let run = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("Python starts");
        served.abort();
        let told = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
        // It has called all that there is, and not a document without paths.
        assert!(told.contains("Operations:       10 selected / 10 total"), "{told}");
    }
}

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn reads_credentials() {
    for (source, expect) in [
        ("sealed", SecretSource::Sealed),
        ("{env: A_B}", SecretSource::Env("A_B".to_owned())),
        ("{file: /run/x}", SecretSource::File("/run/x".to_owned())),
    ] {
        let credential =
            Credential::parse("c.yaml", &format!("kind: Credential\nname: tok\nsource: {source}\n")).unwrap();
        assert_eq!(credential.source, expect);
    }
    for (source, says) in [
        ("seal", "did you mean `sealed`?"),
        (
            "{env: A-B}",
            "c.yaml:2:15: source.env: expected an environment variable",
        ),
        ("{file: x}", "absolute path"),
        ("{envv: X}", "did you mean `env`?"),
        ("{}", "source: expected"),
        ("{env: A, file: /x}", "source: expected"),
        (
            "hunter2-the-secret-itself",
            "source: expected where the secret comes from",
        ),
    ] {
        let problems = Credential::parse("c.yaml", &format!("name: tok\nsource: {source}\n"))
            .unwrap_err()
            .to_string();
        assert!(problems.contains(says), "{source}: {problems}");
    }
}

#[test]
fn reads_what_is_made_of_a_secret() {
    let yaml = "kind: Credential\nname: acme\nsource: {openbao: {address: https://bao:8200, path: secret/data/acme, field: s, token: bao}}\n\
                exchange:\n  oauth2: {token_url: https://id.example.com/token, client_id: me, scopes: [read], client_auth: post}\n";
    let credential = Credential::parse("c.yaml", yaml).unwrap();
    let Some(Exchange::Oauth2(oauth2)) = &credential.exchange else {
        unreachable!("{credential:?}")
    };
    assert_eq!(
        (oauth2.flow, oauth2.client_auth),
        (Oauth2Flow::ClientCredentials, ClientAuth::Post)
    );
    assert_eq!(
        credential.needs(),
        [("source/openbao/token", &CredentialName::new("bao").unwrap())]
    );
    assert_eq!(credential.problems(), []);
    let name = |name| CredentialName::new(name).unwrap();
    for (login, needs, says) in [
        ("approle: {role_id: r, secret_id: s}", vec!["r", "s"], None),
        ("ca: \"-----BEGIN CERTIFICATE-----\"", vec![], Some("expected `token`")),
        (
            "token: t, approle: {role_id: r, secret_id: s}",
            vec!["t", "r", "s"],
            Some("two ways to log in"),
        ),
    ] {
        let yaml = format!("name: acme\nsource: {{openbao: {{address: https://bao, path: a/b, field: f, {login}}}}}\n");
        let credential = Credential::parse("c.yaml", &yaml).unwrap();
        let needed: Vec<_> = credential.needs().into_iter().map(|(_, name)| name.clone()).collect();
        assert_eq!(needed, needs.into_iter().map(name).collect::<Vec<_>>(), "{login}");
        let problems = credential.problems();
        assert_eq!(problems.len(), usize::from(says.is_some()), "{login}: {problems:?}");
        assert!(says.is_none_or(|says| problems[0].1.contains(says)), "{problems:?}");
    }
}

#[test]
fn says_what_is_wrong_with_an_exchange() {
    for (exchange, says) in [
        ("{oauth: {}}", "did you mean `oauth2`?"),
        ("{}", "exchange: expected"),
        ("{oauth2: {client_id: a}}", "expected `token_url`"),
        (
            "{oauth2: {token_url: https://x, client_id: a, flow: password}}",
            "exchange.oauth2.flow: expected",
        ),
        (
            "{github-app: {app_id: 1, installation_id: 2}}",
            "exchange.github-app.app_id: expected",
        ),
        (
            "{client-certificate: {certificate: /etc/tls.crt}}",
            "-----BEGIN CERTIFICATE-----",
        ),
    ] {
        let yaml = format!("name: tok\nsource: sealed\nexchange: {exchange}\n");
        let problems = Credential::parse("c.yaml", &yaml).unwrap_err().to_string();
        assert!(problems.contains(says), "{exchange}: {problems}");
    }
    for (exchange, field, says) in [
        (
            "{oauth2: {token_url: 'http://id.example.com', client_id: a}}",
            "exchange/oauth2/token_url",
            "TLS only",
        ),
        (
            "{oauth2: {token_url: 'https://*', client_id: a}}",
            "exchange/oauth2/token_url",
            "found `*` in the host",
        ),
        (
            "{oauth2: {token_url: 'ftp://id.example.com', client_id: a}}",
            "exchange/oauth2/token_url",
            "scheme `ftp`",
        ),
        (
            "{oauth2: {token_url: 'https://u:p@id.example.com', client_id: a}}",
            "exchange/oauth2/token_url",
            "without a user",
        ),
        (
            "{oauth2: {token_url: 'https://id', client_id: a, client_secret: b}}",
            "exchange/oauth2/client_secret",
            "leave it out",
        ),
        (
            "{github-app: {app_id: '1', installation_id: 2, api_url: 'http://10.0.0.1'}}",
            "exchange/github-app/api_url",
            "TLS only",
        ),
        (
            "{aws-sigv4: {access_key_id: a, session_token: tok}}",
            "name",
            "need itself",
        ),
    ] {
        let yaml = format!("name: tok\nsource: sealed\nexchange: {exchange}\n");
        let problems = Credential::parse("c.yaml", &yaml).unwrap().problems();
        assert!(
            problems.iter().any(|(at, why)| *at == field && why.contains(says)),
            "{exchange}: {problems:?}"
        );
    }
    let loopback = "name: tok\nsource: sealed\nexchange: {oauth2: {token_url: 'http://127.0.0.1:1/t', client_id: a}}\n";
    assert_eq!(Credential::parse("c.yaml", loopback).unwrap().problems(), []);
}

#[test]
fn a_source_that_can_name_nothing_is_a_problem() {
    let with = |source: SecretSource| Credential {
        name: CredentialName::new("tok").unwrap(),
        source,
        exchange: None,
    };
    let problems = |source: SecretSource| {
        let all = with(source).problems();
        all.into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    for name in ["", "A B", "1TOKEN", "A-B"] {
        assert_eq!(problems(SecretSource::Env(name.into())), ["source/env"], "{name}");
    }
    for path in ["", "/", "rel", "./rel"] {
        assert_eq!(problems(SecretSource::File(path.into())), ["source/file"], "{path}");
    }
    assert_eq!(problems(SecretSource::Env("TOKEN_1".into())), [""; 0]);
    assert_eq!(problems(SecretSource::File("/run/secrets/token".into())), [""; 0]);
    let yaml = "name: acme\nsource: {openbao: {address: https://bao, path: a/b, field: f, token: t}}\n";
    let mut credential = Credential::parse("c.yaml", yaml).unwrap();
    if let SecretSource::Openbao(from) = &mut credential.source {
        from.path = "../sys/x".into();
    }
    assert_eq!(credential.problems()[0].0, "source/openbao/path");
}

//! The JSON Schema of a credential's document.

use crate::manifest::slug;
use serde_json::{Value, json};

/// JSON Schema of a credential's document.
pub fn credential_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a credential",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "source"],
        "properties": {
            "kind": {"const": "Credential"},
            "name": slug("The credential's name", "prometheus-token"),
            "source": source(),
            "exchange": exchange(),
        },
    })
}

fn source() -> Value {
    json!({
        "description": "Where the secret comes from: `{env: NAME}`, `{file: /path}`, `{openbao: …}` or `sealed`",
        "examples": ["{env: PROMETHEUS_TOKEN}"],
        "oneOf": [
            {"enum": ["sealed"]},
            {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {
                    "env": {
                        "description": "An environment variable of the host",
                        "type": "string",
                        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                        "examples": ["PROMETHEUS_TOKEN"],
                    },
                    "file": {
                        "description": "An absolute path on the host, read again every few seconds",
                        "type": "string",
                        "pattern": "^/.",
                        "examples": ["/run/secrets/prometheus"],
                    },
                    "openbao": {
                        "description": "A field of a secret in OpenBao or Vault",
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["address", "path", "field"],
                        "properties": {
                            "address": text("The server", "https://bao.example.com:8200"),
                            "path": {
                                "description": "The path as the API has it, without `/v1/`; for version 2 of the key-value engine with `data`",
                                "type": "string",
                                "pattern": "^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$",
                                "examples": ["secret/data/prometheus"],
                            },
                            "field": text("The field of the secret", "token"),
                            "token": slug("The credential whose secret is the token; absent: `approle`", "openbao-token"),
                            "approle": {
                                "description": "Log in by AppRole: the credentials that hold role id and secret id",
                                "type": "object",
                                "additionalProperties": false,
                                "required": ["role_id", "secret_id"],
                                "examples": ["{role_id: bao-role, secret_id: bao-secret}"],
                                "properties": {
                                    "role_id": slug("The credential whose secret is the role id", "bao-role"),
                                    "secret_id": slug("The credential whose secret is the secret id", "bao-secret"),
                                    "mount": {
                                        "description": "Where the method is enabled, below `auth/`",
                                        "type": "string",
                                        "pattern": "^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$",
                                        "examples": ["approle"],
                                    },
                                },
                            },
                            "ca": ca(),
                        },
                    },
                },
            },
        ],
    })
}

fn exchange() -> Value {
    json!({
        "description": "What the host makes of the secret; absent: the secret itself is attached",
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "examples": [{"oauth2": {"token_url": "https://id.example.com/token", "client_id": "seawall"}}],
        "properties": {
            "oauth2": {
                "description": "An access token of an OAuth 2.0 server; the secret is the client's, or a refresh token",
                "type": "object",
                "additionalProperties": false,
                "required": ["token_url", "client_id"],
                "properties": {
                    "token_url": text("The token endpoint", "https://id.example.com/token"),
                    "client_id": text("The client", "seawall"),
                    "flow": {
                        "description": "How a token is had",
                        "enum": ["client-credentials", "refresh-token"],
                        "examples": ["client-credentials"],
                    },
                    "client_secret": slug("With a refresh token: the credential that holds the client's secret", "acme-client"),
                    "client_auth": {
                        "description": "How the client says who it is: in a header, or in the body",
                        "enum": ["basic", "post"],
                        "examples": ["basic"],
                    },
                    "scopes": {
                        "description": "Scopes to ask for",
                        "type": "array",
                        "items": {"type": "string", "pattern": "^[!#-\\[\\]-~]+$", "examples": ["read"]},
                        "examples": [["read"]],
                    },
                    "parameters": {
                        "description": "Further parameters of the request",
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                        "examples": [{"audience": "https://api.example.com"}],
                    },
                    "ca": ca(),
                },
            },
            "github-app": {
                "description": "An installation token of a GitHub App; the secret is its private key as PEM",
                "type": "object",
                "additionalProperties": false,
                "required": ["app_id", "installation_id"],
                "properties": {
                    "app_id": {
                        "description": "The app's client id or app id, as text",
                        "type": "string",
                        "minLength": 1,
                        "examples": ["\"123456\""],
                    },
                    "installation_id": {
                        "description": "The number at the end of the installation's settings page's address",
                        "type": "integer",
                        "minimum": 1,
                        "examples": [7654321],
                    },
                    "api_url": text("The API; absent: GitHub's own", "https://github.example.com/api/v3"),
                    "permissions": {
                        "description": "Only these permissions",
                        "type": "object",
                        "additionalProperties": {"enum": ["read", "write", "admin"]},
                        "examples": [{"contents": "read"}],
                    },
                    "repositories": {
                        "description": "Only these repositories, without owner",
                        "type": "array",
                        "items": text("A repository", "shop"),
                        "examples": [["shop"]],
                    },
                    "ca": ca(),
                },
            },
            "aws-sigv4": {
                "description": "Requests signed with AWS Signature Version 4; the secret is the secret access key",
                "type": "object",
                "additionalProperties": false,
                "required": ["access_key_id"],
                "properties": {
                    "access_key_id": text("The access key's id", "AKIAIOSFODNN7EXAMPLE"),
                    "region": text("The region; absent: as the host's name says", "eu-central-1"),
                    "service": text("The service; absent: as the host's name says", "ec2"),
                    "session_token": slug("With temporary keys: the credential that holds the session token", "aws-session"),
                },
            },
            "client-certificate": {
                "description": "A client certificate for TLS; the secret is its private key as PEM",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "certificate": pem("The certificate and those between it and its authority; absent: they stand in the secret"),
                },
            },
        },
    })
}

fn text(description: &str, example: &str) -> Value {
    json!({"description": description, "type": "string", "minLength": 1, "examples": [example]})
}

fn ca() -> Value {
    pem("Authorities that the server's certificate may come from, as PEM; absent: the system's")
}

/// A PEM text.
pub(crate) fn pem(description: &str) -> Value {
    json!({
        "description": description,
        "type": "string",
        "pattern": "-----BEGIN CERTIFICATE-----",
        "examples": ["|\n  -----BEGIN CERTIFICATE-----\n  …"],
    })
}

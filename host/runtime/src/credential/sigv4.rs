//! AWS Signature Version 4, with AWS's own library.

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign as sign_request,
    },
    sign::v4,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use std::time::SystemTime;

/// Who signs.
pub(crate) struct Signer<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) session_token: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    pub(crate) service: Option<&'a str>,
}

/// Signs a request whose body is whole; puts the signature into `headers`, in the place of any that the guest wrote.
pub(crate) fn sign(
    signer: &Signer<'_>,
    method: &str,
    uri: &Uri,
    headers: &mut HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<(), String> {
    let host = uri.host().unwrap_or_default();
    let (service, region) = scope(host, signer.service, signer.region)?;
    headers.remove(header::AUTHORIZATION);
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| OWN.contains(&name.as_str()))
        .cloned()
        .collect();
    own.iter().for_each(|name| drop(headers.remove(name)));
    let session_token = signer.session_token.map(str::to_owned);
    let identity = Credentials::new(signer.access_key_id, signer.secret, session_token, None, "seawall").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    if service == "s3" {
        // S3 takes paths as they are.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(&service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|e| format!("the request cannot be signed: {e}"))?
        .into();
    // Headers that AWS names and some services check; others may be changed on the way.
    let signed = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-") || *name == header::CONTENT_TYPE)
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let uri = uri.to_string();
    let request = SignableRequest::new(method, &uri, signed, SignableBody::Bytes(body))
        .map_err(|e| format!("the request cannot be signed: {e}"))?;
    let (instructions, _) = sign_request(request, &parameters)
        .map_err(|e| format!("the request cannot be signed: {e}"))?
        .into_parts();
    let (made, _) = instructions.into_parts();
    for one in made {
        let mut value =
            HeaderValue::from_str(one.value()).map_err(|_| "the credential has characters that no header may have")?;
        value.set_sensitive(one.sensitive() || one.name() == "authorization");
        headers.insert(HeaderName::from_static(one.name()), value);
    }
    Ok(())
}

/// Headers that the signature brings itself.
const OWN: [&str; 4] = ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "date"];

/// Service and region: those of the credential, or what the host's name says: `ec2.eu-central-1.amazonaws.com`,
/// `bucket.s3.eu-central-1.amazonaws.com`, `iam.amazonaws.com` (which signs for us-east-1).
fn scope(host: &str, service: Option<&str>, region: Option<&str>) -> Result<(String, String), String> {
    let (named_service, named_region) = named(host);
    let missing = |what: &str| {
        format!(
            "`{host}` does not say which {what} it is; write `exchange: {{aws-sigv4: {{{what}: …}}}}` in the credential"
        )
    };
    let service = service.or(named_service).ok_or_else(|| missing("service"))?;
    let region = region.or(named_region).ok_or_else(|| missing("region"))?;
    Ok((service.to_owned(), region.to_owned()))
}

fn named(host: &str) -> (Option<&str>, Option<&str>) {
    let Some(rest) = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))
    else {
        return (None, None);
    };
    let labels: Vec<&str> = rest.split('.').collect();
    let is_region = |label: &&str| label.matches('-').count() >= 2 && label.ends_with(|c: char| c.is_ascii_digit());
    match labels.iter().rposition(is_region) {
        Some(0) | None => (labels.last().copied(), Some("us-east-1")),
        Some(at) => (labels.get(at - 1).copied(), labels.get(at).copied()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn reads_service_and_region_from_the_hosts_name() {
        for (host, service, region) in [
            ("ec2.eu-central-1.amazonaws.com", "ec2", "eu-central-1"),
            ("bucket.name.s3.us-gov-west-1.amazonaws.com", "s3", "us-gov-west-1"),
            ("iam.amazonaws.com", "iam", "us-east-1"),
            ("ec2.cn-north-1.amazonaws.com.cn", "ec2", "cn-north-1"),
        ] {
            assert_eq!(scope(host, None, None), Ok((service.into(), region.into())), "{host}");
        }
        let refused = scope("127.0.0.1", Some("ec2"), None).unwrap_err();
        assert!(refused.contains("region"), "{refused}");
        assert_eq!(
            scope("127.0.0.1", Some("ec2"), Some("eu-west-1")),
            Ok(("ec2".into(), "eu-west-1".into()))
        );
    }

    /// The example of AWS's documentation, "GET Object" (Signature calculation examples for S3).
    #[test]
    fn signs_as_awss_own_example() {
        let signer = Signer {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            session_token: None,
            region: Some("us-east-1"),
            service: Some("s3"),
        };
        let uri: Uri = "https://examplebucket.s3.amazonaws.com/?lifecycle".parse().unwrap();
        let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("mine"))]);
        // 24 May 2013, midnight.
        let now = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        sign(&signer, "GET", &uri, &mut headers, b"", now).unwrap();
        assert_eq!(
            headers[header::AUTHORIZATION],
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
             Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert!(headers[header::AUTHORIZATION].is_sensitive());
    }
}

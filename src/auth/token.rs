//! JSON Web Tokens, HS256: checking those that come, and issuing those of `afterimage token`.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Map, Value};

use super::{Caller, Role, Secret};
use crate::audit::{Code, Error, Result};
use crate::generations::Generations;

/// Bytes of a subject or a name: entries carry them, and an index holds the subject.
const MAX_NAME: usize = 1_000;

/// Bytes that the tokens which were found valid may take.
const KNOWN_TOKENS: usize = 4_000_000;

/// What a token is asked to say.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The subject: the user's id.
    pub user_id: String,
    /// The user's name.
    pub username: Option<String>,
    /// What the bearer may do.
    pub roles: Vec<Role>,
    /// How long it lives.
    pub lifetime: Duration,
}

/// Checks bearer tokens, and issues them.
#[derive(Clone)]
pub struct Authenticator {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    audience: Option<String>,
    roles_claim: String,
    /// Those who bore valid tokens, by their tokens: to check a signature takes longer than to read an entry.
    known: Arc<Generations<String, Caller>>,
}

impl Authenticator {
    /// Tokens are signed with the secret; `audience`, where given, must stand in `aud`; `roles_claim` names the claim
    /// that holds the roles.
    pub fn new(secret: &Secret, audience: Option<String>, roles_claim: impl Into<String>) -> Self {
        // The algorithm is pinned: a token cannot choose its own.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.leeway = 0;
        validation.validate_nbf = true;
        match &audience {
            Some(audience) => validation.set_audience(&[audience]),
            None => validation.validate_aud = false,
        }
        if audience.is_some() {
            validation.required_spec_claims.insert("aud".to_owned());
        }
        Authenticator {
            encoding: EncodingKey::from_secret(secret.as_bytes()),
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            validation,
            audience,
            roles_claim: roles_claim.into(),
            known: Arc::new(Generations::of(KNOWN_TOKENS)),
        }
    }

    /// The bearer of a token.
    ///
    /// # Errors
    /// UNAUTHENTICATED where the token is not valid now; the sentence says why, and nothing of the key.
    pub fn authenticate(&self, token: &str) -> Result<Caller> {
        // What was valid once stays so until it expires.
        if let Some(caller) = self.known.find(token)
            && caller.expires_at > Utc::now()
        {
            return Ok(caller);
        }
        let caller = self.check(token)?;
        self.known.keep(token.to_owned(), caller.clone(), size_of::<Caller>() + 2 * token.len());
        Ok(caller)
    }

    fn check(&self, token: &str) -> Result<Caller> {
        let refused = |why: &str| Error::new(Code::Unauthenticated, format!("the token is not valid: {why}"));
        let claims = decode::<Map<String, Value>>(token, &self.decoding, &self.validation)
            .map_err(|error| {
                use jsonwebtoken::errors::ErrorKind;
                match error.kind() {
                    ErrorKind::ExpiredSignature => refused("it has expired"),
                    ErrorKind::InvalidAudience => refused("it is meant for another audience"),
                    ErrorKind::MissingRequiredClaim(claim) => refused(&format!("it lacks the claim `{claim}`")),
                    ErrorKind::ImmatureSignature => refused("it is not valid yet"),
                    _ => refused("it is malformed or signed by someone else"),
                }
            })?
            .claims;
        let storable = |text: &str| text.len() <= MAX_NAME && !text.contains('\0');
        let user_id = match claims.get("sub") {
            Some(Value::String(id)) if !id.is_empty() && storable(id) => id.clone(),
            _ => return Err(refused("its subject is no text that the log could hold")),
        };
        let expires_at = claims
            .get("exp")
            .and_then(|exp| exp.as_f64())
            .and_then(|seconds| DateTime::from_timestamp(seconds as i64, 0))
            .ok_or_else(|| refused("its expiry is no time"))?;
        let mut roles: Vec<Role> = match claims.get(&self.roles_claim) {
            Some(Value::Array(names)) => {
                names.iter().filter_map(|name| name.as_str()).filter_map(Role::parse).collect()
            }
            _ => Vec::new(),
        };
        roles.sort_unstable();
        roles.dedup();
        let username = claims.get("preferred_username").and_then(|name| name.as_str());
        let username = username.filter(|name| storable(name)).map(str::to_owned);
        Ok(Caller { user_id, username, roles, expires_at })
    }

    /// Signs a token that this server accepts from `now` on.
    ///
    /// # Errors
    /// INTERNAL_SERVER_ERROR where signing fails.
    pub fn issue(&self, request: &TokenRequest, now: DateTime<Utc>) -> Result<String> {
        let mut claims = Map::new();
        claims.insert("sub".into(), request.user_id.clone().into());
        if let Some(name) = &request.username {
            claims.insert("preferred_username".into(), name.clone().into());
        }
        let roles: Vec<Value> = request.roles.iter().map(|role| role.as_str().into()).collect();
        claims.insert(self.roles_claim.clone(), roles.into());
        claims.insert("iat".into(), now.timestamp().into());
        claims.insert("exp".into(), (now + request.lifetime).timestamp().into());
        if let Some(audience) = &self.audience {
            claims.insert("aud".into(), audience.clone().into());
        }
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticator(audience: Option<&str>) -> Authenticator {
        let secret = Secret::new("0123456789abcdef0123456789abcdef".to_owned()).unwrap();
        Authenticator::new(&secret, audience.map(str::to_owned), "roles")
    }

    fn request(lifetime: Duration) -> TokenRequest {
        TokenRequest {
            user_id: "42".into(),
            username: Some("ann".into()),
            roles: vec![Role::Auditor, Role::Writer],
            lifetime,
        }
    }

    #[test]
    fn an_issued_token_names_its_bearer() {
        let caller = {
            let authenticator = authenticator(Some("audit"));
            let token = authenticator.issue(&request(Duration::hours(1)), Utc::now()).unwrap();
            authenticator.authenticate(&token).unwrap()
        };
        assert_eq!(caller.user_id, "42");
        assert_eq!(caller.username.as_deref(), Some("ann"));
        assert_eq!(caller.roles, [Role::Auditor, Role::Writer]);
    }

    #[test]
    fn an_expired_token_is_refused() {
        let authenticator = authenticator(None);
        let token = authenticator.issue(&request(Duration::seconds(-1)), Utc::now()).unwrap();
        let error = authenticator.authenticate(&token).unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated);
        assert!(error.message().contains("expired"), "{error}");
    }

    #[test]
    fn a_token_that_is_known_expires_all_the_same() {
        let authenticator = authenticator(None);
        let token = authenticator.issue(&request(Duration::seconds(2)), Utc::now()).unwrap();
        let expires_at = authenticator.authenticate(&token).unwrap().expires_at;
        assert_eq!(authenticator.authenticate(&token).unwrap().expires_at, expires_at);
        // The library goes by whole seconds.
        while Utc::now() < expires_at + Duration::milliseconds(1_100) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(authenticator.authenticate(&token).unwrap_err().message().contains("expired"));
    }

    #[test]
    fn a_known_token_with_another_signature_is_refused() {
        let authenticator = authenticator(None);
        let token = authenticator.issue(&request(Duration::hours(1)), Utc::now()).unwrap();
        authenticator.authenticate(&token).unwrap();
        let (unsigned, signature) = token.rsplit_once('.').unwrap();
        for other in ["", "AAAA", &signature[1..], &signature.to_lowercase()] {
            assert!(authenticator.authenticate(&format!("{unsigned}.{other}")).is_err(), "{other}");
        }
    }

    #[test]
    fn a_token_for_another_audience_or_for_none_is_refused() {
        for audience in [Some("elsewhere"), None] {
            let token = authenticator(audience).issue(&request(Duration::hours(1)), Utc::now()).unwrap();
            assert!(authenticator(Some("audit")).authenticate(&token).is_err());
        }
    }

    #[test]
    fn a_token_without_signature_is_refused() {
        let token = authenticator(None).issue(&request(Duration::hours(1)), Utc::now()).unwrap();
        let mut parts: Vec<&str> = token.split('.').collect();
        // {"alg":"none"}
        parts[0] = "eyJhbGciOiJub25lIn0";
        assert!(authenticator(None).authenticate(&parts.join(".")).is_err());
        parts[2] = "";
        assert!(authenticator(None).authenticate(&parts.join(".")).is_err());
    }

    #[test]
    fn a_subject_that_the_log_could_not_hold_is_refused() {
        for subject in ["x".repeat(1_001), "a\0b".to_owned(), String::new()] {
            let request = TokenRequest { user_id: subject, ..request(Duration::hours(1)) };
            let token = authenticator(None).issue(&request, Utc::now()).unwrap();
            assert_eq!(authenticator(None).authenticate(&token).unwrap_err().code(), Code::Unauthenticated);
        }
    }

    #[test]
    fn roles_are_read_in_any_case_and_unknown_ones_grant_nothing() {
        assert_eq!(Role::parse("ADMIN"), Some(Role::Admin));
        assert_eq!(Role::parse("Auditor"), Some(Role::Auditor));
        assert_eq!(Role::parse("root"), None);
    }
}

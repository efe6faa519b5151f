use std::process::ExitCode;

use chrono::{Duration, Utc};
use clap::Args;

use crate::audit::{Error, Result};
use crate::auth::{Role, TokenRequest};
use crate::config::AuthSettings;

/// Print a token for a user, and nothing else.
#[derive(Args, Debug)]
pub struct Token {
    #[command(flatten)]
    auth: AuthSettings,

    /// What the bearer may do: `admin` everything, `auditor` read, `writer` record entries. Repeatable.
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,

    /// The user's id, the token's subject.
    #[arg(long = "user", value_name = "ID", default_value = "admin")]
    user: String,

    /// The user's name.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// How long the token lives: a number and a unit, as in `90s`, `15m`, `1h`, `30d`.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    ttl: Duration,
}

impl Token {
    pub(super) fn run(self) -> Result<ExitCode> {
        let authenticator = self.auth.authenticator().map_err(Error::bad_input)?;
        let request =
            TokenRequest { user_id: self.user, username: self.username, roles: self.roles, lifetime: self.ttl };
        println!("{}", authenticator.issue(&request, Utc::now())?);
        Ok(ExitCode::SUCCESS)
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "a role is `admin`, `auditor` or `writer`".to_owned())
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and a unit: 90s, 15m, 1h, 30d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let duration = match unit {
        's' => Duration::try_seconds(number),
        'm' => Duration::try_minutes(number),
        'h' => Duration::try_hours(number),
        'd' => Duration::try_days(number),
        _ => None,
    };
    duration.filter(|duration| *duration > Duration::zero() && *duration <= Duration::days(3_650)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_and_a_unit() {
        assert_eq!(lifetime("90s"), Ok(Duration::seconds(90)));
        assert_eq!(lifetime("30d"), Ok(Duration::days(30)));
        for text in ["", "h", "1", "1y", "-1h", "0s", "99999999999d", "1é"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}

//! Whom a plan hands credentials to, as far as the plan has to say it: whether rotation replaces one, and if not, why and
//! how a person goes on. It replaces nothing.

use crate::change::Credential;
use crate::device::Target;
use crate::measures::guidance;

/// The only product line that is known to take a certificate from a program.
const TAKES_CERTIFICATES: &str = "MOBOTIX 7";

/// Says whether rotation replaces credentials of a device.
pub trait Rotates: Send + Sync {
    /// Whether it replaces this one, of a device of that product line, reached like this.
    ///
    /// # Errors
    /// Why not and how to go on, as a clause.
    fn rotates(
        &self,
        credential: &Credential,
        target: &Target,
        product: Option<&str>,
    ) -> Result<(), String>;
}

/// Nobody here: a plan that is carried out without an agent that serves the site. Whoever wants a credential replaced
/// orders it with a command of its own.
#[derive(Clone, Copy, Debug)]
pub struct ByHand;

impl Rotates for ByHand {
    fn rotates(
        &self,
        credential: &Credential,
        target: &Target,
        product: Option<&str>,
    ) -> Result<(), String> {
        if let Some(why) = out_of_reach(credential, target, product) {
            return Err(why);
        }
        let (name, what) =
            (&target.name, if is_password(credential) { "password" } else { "certificate" });
        match credential {
            Credential::Password { .. } | Credential::Certificate => Err(format!(
                "no agent serves the site here, and this plan replaces nothing by itself; \
                 palisade-agent rotate {name} --what {what} does"
            )),
            Credential::RecordingKey | Credential::MessageKey => Err(by_hand(credential)),
        }
    }
}

/// Why no agent can replace a credential, whatever the policy says, and how a person does it; nothing if one may.
pub fn out_of_reach(
    credential: &Credential,
    target: &Target,
    product: Option<&str>,
) -> Option<String> {
    let user = target.login.as_ref().map(|login| login.user.as_str());
    let name = &target.name;
    match credential {
        Credential::Password { account, group } if user != Some(account) => {
            let group = group.as_ref().map(|group| format!(", in the group {group:?}"));
            Some(format!(
                "the agent replaces only the password of the account that it logs in as; at the camera (Admin Menu > \
                 Security > Users and Passwords) give {account:?} a password of its own{}, make the account if there \
                 is none, or remove it if nobody needs it",
                group.unwrap_or_default()
            ))
        }
        Credential::Password { .. } | Credential::Certificate if !target.address.tls => {
            Some(format!(
                "{name} is reached without TLS, and TLS comes before secrets; give its address as https:// in the site file"
            ))
        }
        Credential::Certificate if product != Some(TAKES_CERTIFICATES) => Some(format!(
            "how a program uploads a certificate is known for {TAKES_CERTIFICATES} only; {}",
            by_hand(credential)
        )),
        Credential::Password { .. }
        | Credential::Certificate
        | Credential::RecordingKey
        | Credential::MessageKey => None,
    }
}

/// What a person does, as a clause.
pub fn by_hand(credential: &Credential) -> String {
    let code = match credential {
        Credential::Password { .. } => "C03",
        Credential::Certificate => "C16",
        Credential::RecordingKey => "C11",
        Credential::MessageKey => "C12",
    };
    let measure = code.parse().expect("it is a measure's code");
    let remedy = guidance(measure).remedy.trim_end_matches('.');
    format!("by hand: {remedy}")
}

fn is_password(credential: &Credential) -> bool {
    matches!(credential, Credential::Password { .. })
}

//! What an operator may ask, and the least role that may ask it. One table, so that who may what is read in one place;
//! a viewer reads, an operator also steers sites, an administrator also decides about people, trust, removal and
//! replacement.

use proto::Role;

use super::{OperatorPeer, Refusal, Service};

macro_rules! acts {
    ($($act:ident $role:ident $words:literal;)*) => {
        /// Something an operator may ask.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Act {
            $(#[doc = concat!("To ", $words, ".")] $act),*
        }

        impl Act {
            /// Every act.
            pub const ALL: &'static [Self] = &[$(Self::$act),*];

            /// The least role that may ask it.
            pub fn least_role(self) -> Role {
                match self { $(Self::$act => Role::$role),* }
            }

            /// What it is, after "may not".
            pub fn words(self) -> &'static str {
                match self { $(Self::$act => $words),* }
            }
        }
    };
}

acts! {
    WhoAmI Viewer "ask who they are";
    RenewOperator Viewer "renew their own certificate";
    ListSites Viewer "list sites";
    ListTokens Viewer "list tokens";
    ListAgents Viewer "list agents";
    ListPending Viewer "list requests for approval";
    ListDevices Viewer "list devices";
    ListFindings Viewer "list findings";
    ListRotations Viewer "list where credentials stand";
    WatchFindings Viewer "watch findings";
    PolicyHistory Viewer "read the history of policies";
    ShowPolicy Viewer "read policies";
    PolicyRollout Viewer "see how far a policy is rolled out";
    ListBackups Viewer "list backups of configurations";
    ListEvents Viewer "list events";
    WatchEvents Viewer "watch events";
    ListVouches Viewer "list attestations and waivers";
    ListOperators Viewer "list operators";
    ListPlans Viewer "list plans";
    ShowPlan Viewer "read plans";
    ReadAuditLog Viewer "read the audit log";
    TurnoverStatus Viewer "see how far a turnover is";
    ShowRecovery Viewer "read the recovery recipients";
    AddSite Operator "add sites";
    CreateToken Operator "create tokens";
    RevokeToken Operator "revoke tokens";
    ApproveAgent Operator "approve agents";
    SendOrder Operator "send orders";
    ApplyPlan Operator "have plans carried out";
    ApplyPolicy Operator "apply policies";
    DropPolicy Operator "drop sites' own policies";
    Attest Operator "attest";
    Waive Operator "waive";
    Withdraw Operator "withdraw attestations and waivers";
    ListSecrets Operator "list secrets in escrow";
    RemoveSite Administrator "remove sites";
    ReplaceSite Administrator "replace a site's box";
    RevokeAgent Administrator "revoke agents";
    UnlockAgent Administrator "unlock agents";
    AddOperator Administrator "add operators";
    RenewCode Administrator "give operators new codes";
    RemoveOperator Administrator "remove operators";
    FetchBackup Administrator "fetch sealed backups of configurations";
    SetRecovery Administrator "set the recovery recipients";
    ShowSecrets Administrator "be shown secrets";
    ExportSecrets Administrator "export secrets";
    PruneSecrets Administrator "remove secrets from escrow";
    Forget Administrator "have agents forget where credentials stand";
    Turnover Administrator "turn the authority over";
    Backup Administrator "take backups";
}

impl Service {
    /// Whether that person may ask it.
    ///
    /// # Errors
    /// [`Refusal::Denied`] names the role that it takes.
    pub fn allow(&self, who: &OperatorPeer, act: Act) -> Result<(), Refusal> {
        let least = act.least_role();
        if who.role >= least {
            return Ok(());
        }
        Err(Refusal::Denied(format!(
            "{} has the role {} and may not {}; that takes the role {}",
            who.name,
            who.role.as_str(),
            act.words(),
            least.as_str()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_change_nothing_and_only_administrators_touch_people_trust_and_replacement() {
        let of = |role| Act::ALL.iter().filter(move |act| act.least_role() == role);
        assert_eq!(
            [Role::Viewer, Role::Operator, Role::Administrator].map(|role| of(role).count()),
            [23, 12, 15]
        );
        for act in of(Role::Viewer).filter(|act| **act != Act::RenewOperator) {
            let words = act.words();
            let reads = ["ask", "list", "read", "see", "watch"];
            assert!(reads.iter().any(|verb| words.starts_with(verb)), "{words}");
        }
    }
}

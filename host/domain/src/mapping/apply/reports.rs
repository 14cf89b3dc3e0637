//! What is said of what could not be taken as it was.

use super::{Aside, Call, Job};
use crate::{Report, Severity, blueprint::Check, mapping::template::Failure, text::cut};
use serde_json::Value;

impl<'a> Job<'a> {
    pub(super) fn check(&self) -> Check<'a> {
        let Call {
            kind,
            key,
            strict,
            conversions,
            ..
        } = self.call;
        Check {
            kind,
            key,
            strict,
            conversions,
            client: false,
        }
    }

    pub(super) fn left_out(&mut self, field: &str, failure: &Failure) -> Result<(), Aside> {
        let severity = self.check().severity(false);
        self.failed(severity, field, failure);
        if severity == Severity::SetAside {
            Err(Aside)
        } else {
            Ok(())
        }
    }

    pub(super) fn misfit(&mut self, field: &str, rule: &str, value: &Value, message: String) -> Result<(), Aside> {
        let severity = self.check().severity(false);
        let report = self
            .check()
            .report(severity, None, field.to_owned(), rule, Some(value), message);
        self.out.reports.push(report);
        if severity == Severity::SetAside {
            Err(Aside)
        } else {
            Ok(())
        }
    }

    pub(super) fn aside(&mut self, field: &str, rule: &str, value: Value, message: String) -> Aside {
        let value = Some(&value).filter(|v| !v.is_null());
        let report = self
            .check()
            .report(Severity::SetAside, None, field.to_owned(), rule, value, message);
        self.out.reports.push(report);
        Aside
    }

    pub(super) fn failed(&mut self, severity: Severity, field: &str, failure: &Failure) {
        let Call { kind, key, .. } = self.call;
        let message = match failure.rule {
            "jq" => format!(
                "kind `{kind}`, item `{key}`, field `{field}`: `{}`: {}",
                cut(&failure.expression, 120),
                failure.message
            ),
            _ => format!("kind `{kind}`, item `{key}`, field `{field}`: {}", failure.message),
        };
        let report = self
            .check()
            .report(severity, None, field.to_owned(), failure.rule, None, message);
        self.out.reports.push(Report {
            expression: Some(failure.expression.clone()),
            ..report
        });
    }
}

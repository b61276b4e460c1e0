//! Which rule of a listener, and which route of a service, takes a request.
//!
//! The first rule by priority whose conditions all hold decides [ALB23:load-balancer-listeners]. A condition on
//! something that the request does not have (a header, an address) does not hold.

use super::pattern::{path_matches, text_matches};
use crate::blueprint::{HeaderCondition, HttpRequest, Listener, Method, QueryCondition, Route, Rule};

/// Position of the listener's rule that takes a request; `None`: its default action does. Rules are in order of priority.
pub fn matching_rule(listener: &Listener, request: &HttpRequest) -> Option<usize> {
    listener.rules.iter().position(|rule| takes(rule, request))
}

/// Position of the first route that takes a request.
pub fn matching_route(routes: &[Route], method: Method, path: &str) -> Option<usize> {
    routes
        .iter()
        .position(|route| route.method.is_none_or(|each| each == method) && path_matches(&route.path.0, path))
}

fn takes(rule: &Rule, request: &HttpRequest) -> bool {
    let in_block = |address| rule.sources.iter().any(|block| block.holds(address));
    (rule.methods.is_empty() || rule.methods.contains(&request.method))
        && (rule.paths.is_empty() || rule.paths.iter().any(|pattern| path_matches(&pattern.0, &request.path)))
        && (rule.hosts.is_empty() || rule.hosts.iter().any(|pattern| text_matches(&pattern.0, &request.host)))
        && (rule.sources.is_empty() || request.source.is_some_and(in_block))
        && rule.headers.iter().all(|condition| header_holds(condition, request))
        && rule.queries.iter().all(|condition| query_holds(condition, request))
}

fn header_holds(condition: &HeaderCondition, request: &HttpRequest) -> bool {
    let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(&condition.name);
    request.headers.iter().filter(named).any(|(_, value)| {
        let mut patterns = condition.values.iter();
        patterns.any(|pattern| text_matches(&pattern.0, value))
    })
}

fn query_holds(condition: &QueryCondition, request: &HttpRequest) -> bool {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .any(|(key, value)| {
            condition.pairs.iter().any(|wanted| {
                let is_key = wanted.key.as_ref().is_none_or(|pattern| text_matches(&pattern.0, key));
                is_key && text_matches(&wanted.value.0, value)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{Action, Cidr, PathPattern, QueryPair};

    fn pattern(text: &str) -> PathPattern {
        PathPattern(text.into())
    }

    fn any_request() -> Rule {
        Rule {
            priority: 1,
            paths: vec![],
            hosts: vec![],
            methods: vec![],
            sources: vec![],
            headers: vec![],
            queries: vec![],
            action: Action::FixedResponse(200),
            group_stickiness: None,
        }
    }

    fn cidr(address: &str, length: u8) -> Cidr {
        Cidr {
            address: address.parse().expect("an address"),
            length,
        }
    }

    #[test]
    fn a_header_condition_wants_one_of_its_values_whatever_the_case() {
        let mut rule = any_request();
        rule.headers.push(HeaderCondition {
            name: "User-Agent".into(),
            values: vec![pattern("*chrome*"), pattern("*safari*")],
        });
        let mut request = HttpRequest::get("/");
        assert!(!takes(&rule, &request), "no header, no match");
        request.headers.push(("user-agent".into(), "Mozilla Chrome/1".into()));
        assert!(takes(&rule, &request));
        request.headers[0].1 = "curl".into();
        assert!(!takes(&rule, &request));
    }

    #[test]
    fn header_conditions_are_anded() {
        let mut rule = any_request();
        for name in ["a", "b"] {
            let values = vec![pattern("1")];
            rule.headers.push(HeaderCondition {
                name: name.into(),
                values,
            });
        }
        let mut request = HttpRequest::get("/");
        request.headers.push(("a".into(), "1".into()));
        assert!(!takes(&rule, &request));
        request.headers.push(("b".into(), "1".into()));
        assert!(takes(&rule, &request));
    }

    #[test]
    fn a_query_string_matches_as_in_the_guides_example() {
        // "version=v1 or any key set to example" [ALB:load-balancer-listeners, query string conditions].
        let mut rule = any_request();
        let version = QueryPair {
            key: Some(pattern("version")),
            value: pattern("v1"),
        };
        let any_key = QueryPair {
            key: None,
            value: pattern("*example*"),
        };
        rule.queries.push(QueryCondition {
            pairs: vec![version, any_key],
        });
        for (path, wanted) in [
            ("/?version=v1", true),
            ("/?a=1&VERSION=V1", true),
            ("/?version=v2", false),
            ("/?q=an-example-page", true),
            ("/", false),
            ("/version=v1", false),
            ("/?version", false),
        ] {
            assert_eq!(takes(&rule, &HttpRequest::get(path)), wanted, "{path}");
        }
    }

    #[test]
    fn a_source_condition_wants_an_address_in_one_of_its_blocks() {
        let mut rule = any_request();
        rule.sources = vec![cidr("192.0.2.0", 24), cidr("198.51.100.10", 32), cidr("2001:db8::", 32)];
        let mut request = HttpRequest::get("/");
        assert!(!takes(&rule, &request), "an unknown address lies nowhere");
        for (address, wanted) in [
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("198.51.100.10", true),
            ("198.51.100.11", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            request.source = Some(address.parse().expect("an address"));
            assert_eq!(takes(&rule, &request), wanted, "{address}");
        }
        rule.sources = vec![cidr("0.0.0.0", 0)];
        request.source = Some("203.0.113.9".parse().expect("an address"));
        assert!(takes(&rule, &request), "everything lies in /0");
        request.source = Some("2001:db8::1".parse().expect("an address"));
        assert!(!takes(&rule, &request), "but nothing of the other family");
    }
}

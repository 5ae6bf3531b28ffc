//! What a search means, and what is wrong with one that means nothing.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

/// A Sunday, half past five in the morning.
fn now() -> Timestamp {
    time("2026-11-22T05:30:00Z")
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn read(text: &str) -> Query {
    parse(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn expr(text: &str) -> Expr {
    read(text).root.unwrap()
}

fn equals(field: Field, value: &str) -> Expr {
    Expr::Is(Condition::Equals { field, value: value.to_owned() })
}

fn begins(field: Field, value: &str) -> Expr {
    Expr::Is(Condition::Begins { field, value: value.to_owned() })
}

fn words(words: &str) -> Expr {
    Expr::Is(Condition::Text { words: words.to_owned(), prefix: false })
}

fn network(address: &str, bits: u8) -> Expr {
    Expr::Is(Condition::Network { address: address.parse().unwrap(), bits })
}

fn between(from: Option<&str>, to: Option<&str>) -> Expr {
    Expr::Is(Condition::Time { from: from.map(time), to: to.map(time) })
}

fn seq(from: u64, to: u64) -> Expr {
    Expr::Is(Condition::Seq { from, to })
}

#[test]
fn terms_beside_one_another_bind_tighter_than_or_and_parentheses_tighter_still() {
    let [a, b, c] = ["a", "b", "c"].map(words);
    let both = Expr::All(vec![a.clone(), b.clone()]);
    for text in ["a b", "a AND b", " (a) (b) ", "(a AND (b))", "-(-(a b))", "NOT NOT (a b)"] {
        assert_eq!(expr(text), both, "{text}");
    }
    let either = Expr::Any(vec![both.clone(), c.clone()]);
    assert_eq!(expr("a b OR c"), either);
    assert_eq!(expr("a AND b OR c"), either);
    let inner = Expr::Any(vec![b.clone(), c.clone()]);
    assert_eq!(expr("a (b OR c)"), Expr::All(vec![a.clone(), inner]));
    assert_eq!(expr("a OR (b OR c)"), Expr::Any(vec![a.clone(), b.clone(), c]));
    for text in ["a -b", "a NOT b", "a AND NOT b", "a -(b)", "a AND -NOT NOT b"] {
        let not = Expr::Not(Box::new(b.clone()));
        assert_eq!(expr(text), Expr::All(vec![a.clone(), not]), "{text}");
    }
    assert_eq!(expr("and or not"), Expr::All(["and", "or", "not"].map(words).to_vec()));
    assert_eq!(read("  ").root, None);
}

#[test]
fn text_fields_take_values_beginnings_lists_and_any_value() {
    assert_eq!(expr("action:login_failed"), equals(Field::Action, "login.failed"));
    assert_eq!(expr("ACTION:Login.Failed"), equals(Field::Action, "login.failed"));
    assert_eq!(expr("action:conversation.*"), begins(Field::Action, "conversation."));
    assert_eq!(expr("actor:\"Ann L\"*"), begins(Field::Actor, "Ann L"));
    assert_eq!(expr("actor:\"a*\""), equals(Field::Actor, "a*"));
    assert_eq!(expr(r#"actor:"Ann \"A\" \\ Lee""#), equals(Field::Actor, r#"Ann "A" \ Lee"#));
    assert_eq!(expr(r"actor:ACME\ann"), equals(Field::Actor, r"ACME\ann"));
    assert_eq!(expr("resource:urn:x:1"), equals(Field::Resource, "urn:x:1"));
    assert_eq!(expr("changed:*"), Expr::Is(Condition::Has { field: Field::Changed }));
    assert_eq!(expr("actor.type:api_key"), equals(Field::ActorType, "api_key"));
    let list = Expr::Any(vec![
        equals(Field::Action, "a"),
        begins(Field::Action, "b."),
        equals(Field::Action, "c d"),
    ]);
    for text in
        ["action:(a, b.*, \"c d\")", "action:a,b.*,\"c d\"", "action:( a OR b.* OR \"c d\" )"]
    {
        assert_eq!(expr(text), list, "{text}");
    }
    assert_eq!(expr("outcome:Denied"), equals(Field::Outcome, "denied"));
}

#[test]
fn an_applications_own_fields_are_found_by_path() {
    let custom = |path: &str, value: &str, prefix| {
        let (path, value) = (path.to_owned(), value.to_owned());
        Expr::Is(Condition::Custom { path, value, prefix })
    };
    assert_eq!(expr("custom.campaign:spring"), custom("campaign", "spring", false));
    assert_eq!(expr("Custom.Order.Id:17*"), custom("Order.Id", "17", true));
    assert_eq!(expr("custom.\"odd key: x\":\"\""), custom("odd key: x", "", false));
    assert_eq!(expr("custom.größe:*"), custom("größe", "", true));
}

#[test]
fn words_are_looked_for_anywhere() {
    assert_eq!(expr("\"free text\""), words("free text"));
    assert_eq!(expr("ann@example.com"), words("ann@example.com"));
    let prefix = Expr::Is(Condition::Text { words: "invoi".into(), prefix: true });
    assert_eq!(expr("invoi*"), prefix);
    assert_eq!(expr("\"action:x\""), words("action:x"));
}

#[test]
fn addresses_and_networks_come_in_one_form() {
    assert_eq!(expr("ip:2001:DB8:0::7"), network("2001:db8::7", 128));
    assert_eq!(expr("ip:::ffff:10.1.2.3"), network("10.1.2.3", 32));
    assert_eq!(expr("ip:::ffff:10.1.2.3/104"), network("10.0.0.0", 8));
    assert_eq!(expr("ip:10.1.2.3/8"), network("10.0.0.0", 8));
    assert_eq!(expr("ip:10.1.2.3/0"), network("0.0.0.0", 0));
    assert_eq!(expr("ip:2001:db8:ffff::1/33"), network("2001:db8:8000::", 33));
    assert_eq!(expr("ip:10.1.*"), network("10.1.0.0", 16));
    assert_eq!(expr("ip:*"), Expr::Any(vec![network("0.0.0.0", 0), network("::", 0)]));
    for wrong in ["10.0.0.0/33", "10.0.0", "10.*.1", "1.2.3.4.*", "::/129", "10.0.0.0/x", "10.1*"] {
        let error = parse(&format!("ip:{wrong}"), now()).unwrap_err();
        assert!(error.message.contains('*') || error.message.contains("network"), "{error}");
    }
}

#[test]
fn numbers_are_single_or_ranges() {
    assert_eq!(expr("seq:007"), seq(7, 7));
    assert_eq!(expr("seq:5..9"), seq(5, 9));
    assert_eq!(expr("seq:>5"), seq(6, i64::MAX as u64));
    assert_eq!(expr("seq:>=5"), expr("seq:5.."));
    assert_eq!(expr("seq:<5"), seq(0, 4));
    assert_eq!(expr("seq:<=5"), expr("seq:..5"));
    assert_eq!(expr("seq:1,5..9"), Expr::Any(vec![seq(1, 1), seq(5, 9)]));
    for wrong in ["x", "-1", "9..5", "..", "5...9", "<0", "5*", "99999999999999999999"] {
        assert!(parse(&format!("seq:{wrong}"), now()).is_err(), "{wrong}");
    }
}

#[test]
fn times_are_days_moments_or_relative_to_now() {
    for (text, from) in [
        ("2026-01-01", "2026-01-01T00:00:00Z"),
        ("2026-01", "2026-01-01T00:00:00Z"),
        ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T05:06", "2026-01-01T05:06:00Z"),
        ("\"2026-01-01 05:06:07.5\"", "2026-01-01T05:06:07.5Z"),
        ("-30s", "2026-11-22T05:29:30Z"),
        ("-90m", "2026-11-22T04:00:00Z"),
        ("-2h", "2026-11-22T03:30:00Z"),
        ("-7d", "2026-11-15T05:30:00Z"),
        ("-1w", "2026-11-15T05:30:00Z"),
        ("now", "2026-11-22T05:30:00Z"),
        ("today", "2026-11-22T00:00:00Z"),
        ("yesterday", "2026-11-21T00:00:00Z"),
    ] {
        assert_eq!(expr(&format!("after:{text}")), between(Some(from), None), "{text}");
        assert_eq!(expr(&format!("before:{text}")), between(None, Some(from)), "{text}");
    }
    let (monday, tuesday) = (Some("2026-11-16T00:00:00Z"), Some("2026-11-17T00:00:00Z"));
    assert_eq!(expr("time:2026-11-16"), between(monday, tuesday));
    assert_eq!(expr("time:2026-11-16..2026-11-16"), between(monday, tuesday));
    assert_eq!(expr("time:2026-11-16..2026-11-17T00:00:00Z"), between(monday, tuesday));
    assert_eq!(expr("time:2026-11-16.."), between(monday, None));
    assert_eq!(expr("time:..2026-11-16"), between(None, tuesday));
    let year = between(Some("2025-01-01T00:00:00Z"), Some("2026-01-01T00:00:00Z"));
    assert_eq!(expr("time:2025"), year);
    for wrong in ["x", "-7", "-7y", "--7d", "-+7d", "7d", "2026-13", "2026-02-30", "2026-1-1", "-d"]
    {
        assert!(parse(&format!("after:{wrong}"), now()).is_err(), "{wrong}");
    }
    for wrong in ["now", "..", "2026..2025", "-7d", "today..yesterday", "2026..2027..2028"] {
        assert!(parse(&format!("time:{wrong}"), now()).is_err(), "{wrong}");
    }
}

#[test]
fn a_query_that_no_person_types_is_refused() {
    let ok = |text: &str| parse(text, now()).is_ok();
    let terms = limits::QUERY_TERMS;
    assert!(ok(&"seq:1 ".repeat(terms)) && !ok(&"seq:1 ".repeat(terms + 1)));
    let list = |count| format!("actor:({})", vec!["a"; count].join(","));
    assert!(ok(&list(terms)) && !ok(&list(terms + 1)));
    let deep = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(ok(&deep(limits::QUERY_DEPTH)) && !ok(&deep(limits::QUERY_DEPTH + 1)));
    assert!(!ok(&"(".repeat(limits::QUERY_BYTES)) && ok(&format!("{}a", "-".repeat(1001))));
    assert!(!ok(&format!("actor:{}", "é".repeat(limits::QUERY_BYTES))));
}

#[test]
fn errors_say_where_and_what_to_write() {
    for (text, at, word) in [
        ("seq:1 colour:red", 6, "the fields are action"),
        ("acton:login", 0, "did you mean \"action\"?"),
        ("-user:ann", 1, "did you mean \"actor\"?"),
        ("http://example.com", 0, "put it in quotes"),
        (":x", 0, "a field before the colon"),
        ("custom:x", 0, "custom.campaign:spring"),
        ("custom.:x", 0, "custom.campaign:spring"),
        ("custom.\"a\" x", 10, "custom.\"name\":value"),
        ("action:", 7, "a value here"),
        ("action: x", 7, "a value here"),
        ("action:a,", 9, "a value here"),
        ("action:(a b)", 10, "comma"),
        ("action:(a, b", 7, "closes this list"),
        ("action:()", 8, "a value here"),
        ("actor:\"Ann", 6, "closing quote"),
        ("actor:\"Ann\"x", 11, "blank"),
        ("actor:Ann\"x\"", 9, "quotes"),
        ("actor:f(x)", 7, "into quotes"),
        ("actor:a*b", 7, "at the end"),
        ("outcome:maybe", 8, "denied"),
        ("outcome:(denied, maybe)", 17, "success"),
        ("after:tomorrow", 6, "yesterday"),
        ("-seq:x", 5, ">5"),
        ("seq:1*", 4, "takes no *"),
        ("a OR", 4, "after \"OR\""),
        ("OR a", 0, "a term,"),
        ("a AND OR b", 6, "after \"AND\""),
        ("a - b", 3, "right after the \"-\""),
        ("a NOT", 5, "after \"NOT\""),
        ("(a", 0, "is missing"),
        ("a (b OR c", 2, "is missing"),
        ("a) b", 1, "no \"(\""),
        ("()", 1, "between"),
        ("a , b", 2, "letter"),
    ] {
        let error = parse(text, now()).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(word), "{text}: {error}");
    }
}

#[test]
fn what_is_quoted_reads_back_as_one_value() {
    for (value, written) in [
        ("ann@example.com", "ann@example.com"),
        ("Ann Lee", "\"Ann Lee\""),
        (r#"a"b\c"#, r#""a\"b\\c""#),
        ("*", "\"*\""),
        ("OR", "\"OR\""),
        ("", "\"\""),
    ] {
        assert_eq!(quote(value), written);
    }
}

#[test]
fn a_link_narrows_what_was_typed_and_replaces_nothing() {
    assert_eq!(with_term("", "actor", "Ann Lee", false), "actor:\"Ann Lee\"");
    assert_eq!(with_term(" after:-7d ", "ip", "10.0.0.7", false), "after:-7d ip:10.0.0.7");
    assert_eq!(with_term("a", "outcome", "success", true), "a -outcome:success");
    assert_eq!(with_term("a OR b", "seq", "5", false), "(a OR b) seq:5");
    assert_eq!(with_term("action:a,b", "seq", "5", false), "action:a,b seq:5");
    for there in ["x actor:ann", "actor:\"ann\"", "x AND ACTOR:ann y"] {
        assert_eq!(with_term(there, "actor", "ann", false), there);
    }
    assert_eq!(with_term("x OR actor:ann", "actor", "ann", false), "(x OR actor:ann) actor:ann");
    assert_eq!(with_term("-actor:ann", "actor", "ann", false), "-actor:ann actor:ann");
    assert_eq!(with_term("(a", "actor", "ann", false), "(a actor:ann");
}

fn some_value() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zé0-9.:/@-]{1,8}", "[\"\\\\a *()é:,-]{1,8}", "AND|OR|NOT", "\\PC{1,6}"]
}

fn some_time() -> impl Strategy<Value = Timestamp> {
    (-62_167_219_200_000_000_i64..=253_402_300_799_999_999).prop_map(Timestamp::from_micros)
}

fn some_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<u32>().prop_map(|v4| IpAddr::from(v4.to_be_bytes())), any::<IpAddr>()]
}

/// Through the parser, which knows the one form.
fn some_network() -> impl Strategy<Value = Expr> {
    (some_address(), 0_u8..=128).prop_map(|(address, bits)| {
        let bits = if address.is_ipv4() { bits % 33 } else { bits };
        expr(&format!("ip:{address}/{bits}"))
    })
}

fn some_condition() -> impl Strategy<Value = Expr> {
    let field = (0..Field::ALL.len()).prop_map(|at| Field::ALL[at]);
    let text = (field, some_value(), 0..3).prop_map(|(field, value, kind)| {
        let value = match field {
            Field::Action => format!("x.{}", value.to_ascii_lowercase()),
            Field::Outcome => "denied".to_owned(),
            _ => value,
        };
        Expr::Is(match kind {
            0 => Condition::Equals { field, value },
            1 => Condition::Begins { field, value },
            _ => Condition::Has { field },
        })
    });
    let custom = (some_value(), prop_oneof![some_value(), Just(String::new())], any::<bool>());
    let free = (some_value(), any::<bool>());
    let times = (some_time(), some_time(), 0..3);
    prop_oneof![
        text,
        some_network(),
        custom.prop_map(|(path, value, prefix)| Expr::Is(Condition::Custom {
            path,
            value,
            prefix
        })),
        free.prop_map(|(text, prefix)| {
            Expr::Is(Condition::Text { words: format!("{text}w"), prefix })
        }),
        (0..1000_u64, 0..1000_u64).prop_map(|(from, more)| seq(from, from + more)),
        times.prop_map(|(a, b, kind)| Expr::Is(match kind {
            0 => Condition::Time { from: Some(a.min(b)), to: Some(a.max(b)) },
            1 => Condition::Time { from: Some(a), to: None },
            _ => Condition::Time { from: None, to: Some(a) },
        })),
    ]
}

fn some_query() -> impl Strategy<Value = Query> {
    let tree = some_condition().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::all),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::any),
            inner.prop_map(Expr::negated),
        ]
    });
    tree.prop_map(|root| Query { root: Some(root) })
}

proptest! {
    #[test]
    fn a_query_reads_back_as_it_was_written(query in some_query()) {
        let text = query.to_string();
        prop_assert_eq!(parse(&text, now()), Ok(query), "{}", text);
    }

    #[test]
    fn any_value_can_be_quoted_and_added(value in "\\PC{1,12}", typed in "\\PC{0,20}") {
        let term = with_term("", "actor", &value, false);
        prop_assert_eq!(expr(&term), equals(Field::Actor, &value));
        let narrowed = with_term(&typed, "actor", &value, true);
        if parse(&typed, now()).is_ok() {
            prop_assert!(parse(&narrowed, now()).is_ok());
            prop_assert_eq!(with_term(&narrowed, "actor", &value, true), narrowed);
        }
    }

    #[test]
    fn no_text_makes_it_panic(
        text in any::<String>(), symbols in "[a:,()\"\\\\ *.<>ANDORT0-9é-]{0,24}",
        time in "[-+]?[0-9]{0,7}[-mhdw]?[0-9]{0,2}-?[0-9]{0,2}[T0-9:.Z+-]{0,12}",
        field in 0..FIELDS.len(), cursor in 0..40_usize,
    ) {
        for text in [&text, &symbols, &time] {
            let name = FIELDS[field].name;
            let all = [text.clone(), format!("-{name}:{text}"), format!("{name}:\"{text}\" \"{text}")];
            for text in all {
                let _ = parse(&text, now());
                let completion = complete(&text, cursor);
                prop_assert!(text.get(completion.replace).is_some());
            }
        }
    }
}

//! The table of errors, with the bodies that servers send.

use serde_json::json;

use super::*;

fn check(status: u16, body: &str, kind: ErrorKind) -> String {
    let failure = from_status("http://h/v1", status, None, body.as_bytes());
    assert_eq!(failure.error.kind(), kind, "{status} {body}");
    failure.error.to_string()
}

#[test]
fn statuses() {
    for status in [429, 503] {
        check(status, "", ErrorKind::RateLimited);
    }
    for status in [500, 502, 504, 520, 529, 408, 409, 425] {
        check(status, "<html>", ErrorKind::Transient);
    }
    for status in [300, 400, 404, 405, 422, 501] {
        check(status, "", ErrorKind::BadRequest);
    }
    for status in [401, 402, 403] {
        assert!(check(status, "", ErrorKind::Refused).contains("api_key_env"));
    }
    check(413, "", ErrorKind::ContextTooLong);
}

#[test]
fn fields_are_named() {
    let openai = r#"{"error":{"message":"must be <= 2","type":"invalid_request_error","param":"temperature","code":null}}"#;
    assert_eq!(
        check(400, openai, ErrorKind::BadRequest),
        "http://h/v1 answered status 400, field temperature: must be <= 2"
    );
    let fastapi = r#"{"detail":[{"loc":["body","top_p"],"msg":"not a number","type":"float_type"}]}"#;
    assert!(check(422, fastapi, ErrorKind::BadRequest).contains("field top_p: not a number"));
    assert!(check(404, r#"{"message":"no such model"}"#, ErrorKind::BadRequest).contains("base_url"));
}

#[test]
fn long_contexts_in_every_dialect() {
    let bodies = [
        r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000","code":400}"#,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
        r#"{"error":{"message":"The input (9 tokens) is longer than the model's context length (8 tokens)."}}"#,
        r#"{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}"#,
        r#"{"message":"Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"}"#,
        r#"[{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)","status":"INVALID_ARGUMENT"}}]"#,
        r#"{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}"#,
    ];
    for body in bodies {
        check(400, body, ErrorKind::ContextTooLong);
    }
    check(500, r#"{"error":"the input length exceeds the context length"}"#, ErrorKind::ContextTooLong);
}

#[test]
fn quota_is_not_a_rate() {
    let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}}"#;
    check(429, body, ErrorKind::Refused);
    check(429, r#"{"error":{"message":"Rate limit reached for gpt-4o"}}"#, ErrorKind::RateLimited);
    // A rate limit in tokens speaks of tokens, too.
    check(
        429,
        r#"{"error":{"message":"Request too large for model with 6000 TPM"}}"#,
        ErrorKind::RateLimited,
    );
}

#[test]
fn filters() {
    let azure =
        r#"{"error":{"code":"content_filter","message":"The response was filtered","param":"prompt"}}"#;
    check(400, azure, ErrorKind::Filtered);
    check(403, r#"{"error":{"message":"Your input was flagged"}}"#, ErrorKind::Filtered);
}

#[test]
fn errors_with_status_200() {
    let kind = |error: Value| from_error_value("h", &error).error.kind();
    assert_eq!(kind(json!({"message": "slow", "code": 429})), ErrorKind::RateLimited);
    assert_eq!(kind(json!({"message": "slow", "code": "502"})), ErrorKind::Transient);
    assert_eq!(kind(json!({"message": "slow", "type": "rate_limit_exceeded"})), ErrorKind::RateLimited);
    assert_eq!(kind(json!({"message": "bad", "type": "invalid_request_error"})), ErrorKind::BadRequest);
    assert_eq!(kind(json!({"message": "key", "code": "invalid_api_key"})), ErrorKind::Refused);
    assert_eq!(kind(json!({"code": "insufficient_quota"})), ErrorKind::Refused);
    assert_eq!(kind(json!("upstream went away")), ErrorKind::Transient);
}

#[test]
fn waits_in_seconds_and_as_dates() {
    let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let check = |text: &str, seconds: Option<u64>| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text}");
    };
    check("7", Some(7));
    check(" 1.0 ", Some(1));
    check("100000", Some(120));
    check("Sun, 06 Nov 1994 08:49:59 GMT", Some(22));
    check("Mon, 06 Nov 1995 08:49:59 GMT", Some(120));
    check("Sat, 06 Nov 1993 08:49:59 GMT", Some(0));
    for none in ["", "soon", "-5", "NaN", "inf0"] {
        check(none, None);
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
}

#[test]
fn foreign_text_is_cut_and_harmless() {
    assert_eq!(quote("a\n\u{1b}[31mred\u{7}"), "a \\u{1b}[31mred\\u{7}");
    assert_eq!(quote(&"x".repeat(1_000)).chars().count(), QUOTE_CHARS_MAX + 1);
    assert!(check(500, "<!doctype html><p>very long", ErrorKind::Transient).contains("an HTML page"));
    check(500, "\u{0}\u{1}", ErrorKind::Transient);
}

/// A clock of ours that is a day off does not make a wait of ten seconds none, or two minutes.
#[test]
fn a_date_is_read_by_the_servers_clock() {
    let told = "Sun, 06 Nov 1994 08:49:37 GMT";
    let now = httpdate::parse_http_date(told).unwrap();
    let day = Duration::from_secs(86_400);
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:47 GMT".parse().unwrap());
    let waits = |headers: &HeaderMap| [now, now + day, now - day].map(|ours| retry_after(headers, ours));
    assert_eq!(waits(&headers), [10, 0, 120].map(|seconds| Some(Duration::from_secs(seconds))));
    headers.insert(DATE, told.parse().unwrap());
    assert_eq!(waits(&headers), [Some(Duration::from_secs(10)); 3]);
}

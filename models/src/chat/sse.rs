//! Server-sent events, parsed as they arrive.
//!
//! Bytes may be cut anywhere. Lines end in LF, CR or CRLF; comments and unknown fields are skipped; several `data`
//! lines of one event are joined by LF. Source: WHATWG HTML, "Interpreting an event stream"; unlike there, an event
//! that the stream's end cuts off before its empty line is given out too, as some servers leave that line away.

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its type; empty where the stream gave none.
    pub name: String,
    /// The last id that the stream gave; empty for none.
    pub id: String,
    /// What it says.
    pub data: String,
}

/// A stream that is no event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SseError {
    /// A line, or the data of one event, is longer than allowed.
    #[error("an event is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A line is no UTF-8.
    #[error("an event is not valid UTF-8")]
    Encoding,
}

/// Takes bytes, gives events.
#[derive(Debug)]
pub struct SseParser {
    limit: usize,
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    /// The last byte was a CR, so that a LF now belongs to it.
    after_cr: bool,
    at_start: bool,
}

impl SseParser {
    /// A parser that holds at most `limit` bytes of a line, and as many of an event.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            event: Event::default(),
            has_data: false,
            after_cr: false,
            at_start: true,
        }
    }

    /// Takes the next bytes and gives the events that they end.
    ///
    /// # Errors
    /// [`SseError`]; what comes after it has no meaning.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, SseError> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.extend(rest)?;
                break;
            };
            self.extend(rest.get(..end).unwrap_or_default())?;
            self.after_cr = rest.get(end) == Some(&b'\r');
            rest = rest.get(end + 1..).unwrap_or_default();
            events.extend(self.end_line()?);
        }
        Ok(events)
    }

    /// Ends the stream and gives the event that was under way, if there was one.
    ///
    /// # Errors
    /// [`SseError`], as [`SseParser::push`].
    pub fn finish(mut self) -> Result<Option<Event>, SseError> {
        let last = self.end_line()?;
        Ok(last.or_else(|| self.dispatch()))
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len() + bytes.len() > self.limit {
            return Err(SseError::TooLong { limit: self.limit });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<Event>, SseError> {
        let bytes = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&bytes).map_err(|_| SseError::Encoding)?;
        let text = if std::mem::take(&mut self.at_start) {
            text.strip_prefix('\u{feff}').unwrap_or(text)
        } else {
            text
        };
        if text.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        self.take(field, value.strip_prefix(' ').unwrap_or(value))?;
        Ok(None)
    }

    fn take(&mut self, field: &str, value: &str) -> Result<(), SseError> {
        match field {
            "data" => {
                if self.event.data.len() + value.len() > self.limit {
                    return Err(SseError::TooLong { limit: self.limit });
                }
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.event.name),
            "id" if !value.contains('\0') => value.clone_into(&mut self.event.id),
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self) -> Option<Event> {
        let next = Event { id: self.event.id.clone(), ..Event::default() };
        let event = std::mem::replace(&mut self.event, next);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(chunks: &[&[u8]]) -> Result<Vec<Event>, SseError> {
        let mut parser = SseParser::new(64);
        let mut events = Vec::new();
        for chunk in chunks {
            events.extend(parser.push(chunk)?);
        }
        events.extend(parser.finish()?);
        Ok(events)
    }

    fn check(stream: &str, expected: &[&str]) {
        let data: Vec<String> =
            parse(&[stream.as_bytes()]).unwrap().into_iter().map(|event| event.data).collect();
        assert_eq!(data, expected, "{stream:?}");
    }

    #[test]
    fn the_standards_examples() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: YHOO\ndata: +2\ndata: 10\n\n", &["YHOO\n+2\n10"]);
        check(
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n",
            &["first event", "second event"],
        );
        check("data\n\ndata\ndata\n\n", &["", "\n"]);
        check("data:test\n\ndata: test\n\n", &["test", "test"]);
        check("data:  two spaces\n\n", &[" two spaces"]);
    }

    #[test]
    fn line_ends_and_odd_lines() {
        check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &["a", "b", "c"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check("retry: 5\nunknown: x\ndata: a\n\n\n\n", &["a"]);
        check("data: cut", &["cut"]);
        check("data: cut\n", &["cut"]);
        check("", &[]);
        let events = parse(&[b"event: ping\nid: 7\ndata: a\n\ndata: b\n\n"]).unwrap();
        assert_eq!(events[0], Event { name: "ping".into(), id: "7".into(), data: "a".into() });
        assert_eq!(events[1], Event { name: String::new(), id: "7".into(), data: "b".into() });
    }

    #[test]
    fn limits_and_encoding() {
        assert_eq!(parse(&[&[b'x'; 65]]), Err(SseError::TooLong { limit: 64 }));
        assert_eq!(parse(&[&[b'x'; 40], &[b'x'; 40]]), Err(SseError::TooLong { limit: 64 }));
        let many = "data: 0123456789\n".repeat(7);
        assert_eq!(parse(&[many.as_bytes()]), Err(SseError::TooLong { limit: 64 }));
        assert_eq!(parse(&[b"data: \xff\n\n"]), Err(SseError::Encoding));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            stream in "(data: ?|:|id: |event|é|[a-c]|\u{feff}|\r|\n|\r\n|\n\n){0,40}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let bytes = stream.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let chunks: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(parse(&chunks), parse(&[bytes]));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&[&bytes]);
        }
    }
}

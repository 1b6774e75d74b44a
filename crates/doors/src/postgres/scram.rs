//! The messages of SCRAM-SHA-256 (RFC 5802, section 7), as clients of PostgreSQL send them: without channel binding,
//! and with the name of the user in the first message of the connection instead of here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The name of the mechanism.
pub const MECHANISM: &str = "SCRAM-SHA-256";

/// Bytes of the random text of a client at most. Clients send some twenty.
const NONCE_BYTES_MAX: usize = 256;
/// Bytes of a proof.
const PROOF_BYTES: usize = 32;

/// Why a message is refused.
pub type InvalidScram = &'static str;

/// The first message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFirst {
    /// The part before the message itself, which is about channel binding.
    pub binding: String,
    /// The message without that part.
    pub bare: String,
    pub nonce: String,
}

/// What both sides have agreed on, until the client sends its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    first: ClientFirst,
    nonce: String,
    /// The answer of the server.
    pub answer: String,
}

/// The last message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The text that the proof signs.
    pub exchange: String,
    pub proof: [u8; PROOF_BYTES],
}

impl ClientFirst {
    /// Reads a message.
    ///
    /// # Errors
    /// It is malformed, requires channel binding, or names another user to act for.
    pub fn read(message: &[u8]) -> Result<Self, InvalidScram> {
        let text = str::from_utf8(message).map_err(|_invalid| "the message is not UTF-8")?;
        let (flag, rest) = text.split_once(',').ok_or("the message is incomplete")?;
        match flag {
            // `y`: the client could bind the channel, but the server did not offer it.
            "n" | "y" => {}
            _ if flag.starts_with("p=") => {
                return Err(
                    "channel binding is not available: use channel_binding=disable or prefer",
                );
            }
            _ => return Err("the flag of channel binding is unknown"),
        }
        let (identity, bare) = rest.split_once(',').ok_or("the message is incomplete")?;
        if !identity.is_empty() {
            return Err("an authorization identity is not available");
        }
        let rest = bare.strip_prefix("n=").ok_or("expected the attribute n")?;
        let (_user, rest) = rest.split_once(',').ok_or("the message is incomplete")?;
        let rest = rest.strip_prefix("r=").ok_or("expected the attribute r")?;
        let nonce = rest.split_once(',').map_or(rest, |(nonce, _extensions)| nonce);
        let is_printable = nonce.bytes().all(|byte| byte.is_ascii_graphic());
        if nonce.is_empty() || nonce.len() > NONCE_BYTES_MAX || !is_printable {
            return Err("the nonce is empty, too long, or not printable");
        }
        let binding = format!("{flag},,");
        Ok(Self { binding, bare: bare.to_owned(), nonce: nonce.to_owned() })
    }

    /// The answer of the server, with its own random text.
    pub fn answer(self, random: &[u8], salt: &[u8], iterations: u32) -> Challenge {
        let nonce = format!("{}{}", self.nonce, STANDARD.encode(random));
        let answer = format!("r={nonce},s={},i={iterations}", STANDARD.encode(salt));
        Challenge { first: self, nonce, answer }
    }
}

impl Challenge {
    /// Reads the last message of a client. Whether its proof is right is not checked here.
    ///
    /// # Errors
    /// It is malformed, or belongs to another exchange.
    pub fn read(&self, message: &[u8]) -> Result<Proved, InvalidScram> {
        let text = str::from_utf8(message).map_err(|_invalid| "the message is not UTF-8")?;
        let (signed, proof) =
            text.rsplit_once(",p=").ok_or("expected the attribute p at the end")?;
        let (binding, rest) = signed.split_once(',').ok_or("the message is incomplete")?;
        let binding = binding.strip_prefix("c=").ok_or("expected the attribute c")?;
        if binding != STANDARD.encode(&self.first.binding) {
            return Err("channel binding differs from the first message");
        }
        let nonce = rest.strip_prefix("r=").ok_or("expected the attribute r")?;
        let nonce = nonce.split_once(',').map_or(nonce, |(nonce, _extensions)| nonce);
        if nonce != self.nonce {
            return Err("the nonce is that of another exchange");
        }
        let proof = STANDARD.decode(proof).map_err(|_invalid| "the proof is not Base64")?;
        let proof =
            proof.try_into().map_err(|_other| "the proof has another length than 32 bytes")?;
        let exchange = format!("{},{},{signed}", self.first.bare, self.answer);
        Ok(Proved { exchange, proof })
    }
}

/// The last message of the server.
pub fn accepted(signature: &[u8]) -> String {
    format!("v={}", STANDARD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of RFC 7677, section 3.
    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const LAST: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const EXCHANGE: &str = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
        r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
        c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

    /// The exchange of the example, whose server has another alphabet for its random text.
    fn challenge() -> Challenge {
        let first = ClientFirst::read(FIRST).unwrap();
        let nonce = format!("{}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", first.nonce);
        let answer = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        Challenge { first, nonce, answer }
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        let read = challenge().read(LAST.as_bytes()).unwrap();
        assert_eq!(read.exchange, EXCHANGE);
        assert_eq!(read.proof[..4], [0x74, 0x7c, 0xdb, 0x65]);
        let signature = STANDARD.decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        assert_eq!(accepted(&signature), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn the_answer_continues_the_text_of_the_client() {
        // As libpq sends it, once with a library that could bind the channel.
        for (first, binding) in [("n,,n=,r=abc", "n,,"), ("y,,n=,r=abc", "y,,")] {
            let first = ClientFirst::read(first.as_bytes()).unwrap();
            assert_eq!(first.binding, binding);
            let challenge = first.answer(&[1, 2, 3], &[0; 16], 4_096);
            assert_eq!(challenge.answer, "r=abcAQID,s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096");
        }
    }

    #[test]
    fn malformed_first_messages_are_refused() {
        let long = format!("n,,n=,r={}", "x".repeat(NONCE_BYTES_MAX + 1));
        for message in [
            "",
            "n",
            "n,",
            "n,,",
            "n,,n=",
            "n,,n=,",
            "n,,n=,r=",
            "n,,n=,r=a b",
            "n,,n=,r=é",
            "n,,r=a,n=",
            "n,a=other,n=,r=a",
            "x,,n=,r=a",
            "p=tls-server-end-point,,n=,r=a",
            "n,,m=x,n=,r=a",
            &long,
        ] {
            assert!(ClientFirst::read(message.as_bytes()).is_err(), "{message}");
        }
        assert!(ClientFirst::read(b"n,,n=\xff,r=a").is_err());
    }

    #[test]
    fn a_last_message_that_is_cut_or_changed_is_refused() {
        let challenge = challenge();
        for end in 0..LAST.len() {
            assert!(challenge.read(&LAST.as_bytes()[..end]).is_err(), "{end}");
        }
        for (from, to) in [
            ("c=biws", "c=eSws"),
            ("c=biws", "c=biws="),
            ("$k0,", "$k1,"),
            ("r=rOpr", "r=xOpr"),
            ("p=dH", "p=d"),
            ("p=dH", "p=dHdH"),
            ("c=", "d="),
        ] {
            let changed = LAST.replacen(from, to, 1);
            assert!(challenge.read(changed.as_bytes()).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_message_of_another_exchange_is_refused() {
        let first = ClientFirst::read(FIRST).unwrap();
        let next = first.answer(b"another random text", &[7; 16], 4_096);
        let refused = next.read(LAST.as_bytes()).unwrap_err();
        assert_eq!(refused, "the nonce is that of another exchange");
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(message in "[npcry]?[=,nprcaé]{0,12}.{0,20}") {
            let _refused = challenge().read(message.as_bytes()).is_err();
            if let Ok(first) = ClientFirst::read(message.as_bytes()) {
                prop_assert_eq!(format!("{}{}", first.binding, first.bare), message);
            }
        }
    }
}

//! Envelopes that are loose, forged, or of another pack.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use molsieve::pack::verify::Code;
use serde_json::Value;

use super::{Packed, assert_code, sample, verify_members};

/// What is done to the envelope of the sample, and the code that names it.
pub(super) type Case = (&'static str, fn(&str) -> Vec<u8>, Code);

fn edit(text: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut envelope: Value = serde_json::from_str(text).unwrap();
    change(&mut envelope);
    molsieve::canonical::json::to_line(&envelope).unwrap()
}

fn payload(envelope: &Value) -> Vec<u8> {
    STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap()
}

/// Signs `statement` with the sample's own key, whatever it says.
fn signed(envelope: &mut Value, statement: &[u8]) {
    let kind = "application/vnd.in-toto+json";
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), statement.len()).into_bytes();
    message.extend_from_slice(statement);
    envelope["payload"] = STANDARD.encode(statement).into();
    envelope["signatures"][0]["sig"] = STANDARD.encode(sample().private().sign(&message)).into();
}

fn resigned(text: &str, from: &str, to: &str) -> Vec<u8> {
    edit(text, |envelope| {
        let statement = String::from_utf8(payload(envelope)).unwrap();
        assert!(statement.contains(from), "{statement}");
        signed(envelope, statement.replacen(from, to, 1).as_bytes());
    })
}

pub(super) const CASES: &[Case] = &[
    ("not JSON", |_| b"{".to_vec(), Code::AttestationMalformed),
    ("empty", |_| Vec::new(), Code::AttestationMalformed),
    ("white space", |t| t.replacen(':', ": ", 1).into_bytes(), Code::AttestationMalformed),
    ("no line feed", |t| t.trim_end().as_bytes().to_vec(), Code::AttestationMalformed),
    ("another field", |t| edit(t, |e| e["note"] = "x".into()), Code::AttestationMalformed),
    (
        "another field of a signature",
        |t| edit(t, |e| e["signatures"][0]["cert"] = "x".into()),
        Code::AttestationMalformed,
    ),
    ("another payload type", |t| edit(t, |e| e["payloadType"] = "text/plain".into()), Code::AttestationMalformed),
    ("no signature", |t| edit(t, |e| e["signatures"] = Value::Array(Vec::new())), Code::AttestationMalformed),
    (
        "one signature twice",
        |t| {
            edit(t, |e| {
                let one = e["signatures"][0].clone();
                e["signatures"].as_array_mut().unwrap().push(one);
            })
        },
        Code::AttestationMalformed,
    ),
    (
        "URL-safe base64",
        |t| edit(t, |e| e["payload"] = URL_SAFE.encode([&payload(e)[..], b"\xff\xff\xff"].concat()).into()),
        Code::AttestationMalformed,
    ),
    (
        "base64 without padding",
        |t| {
            edit(t, |e| {
                let sig = STANDARD.decode(e["signatures"][0]["sig"].as_str().unwrap()).unwrap();
                e["signatures"][0]["sig"] = STANDARD_NO_PAD.encode(sig).into();
            })
        },
        Code::AttestationMalformed,
    ),
    (
        "base64 with loose last bits",
        |t| {
            edit(t, |e| {
                let sig = e["signatures"][0]["sig"].as_str().unwrap().to_owned();
                let last = sig.as_bytes()[85] + 1;
                e["signatures"][0]["sig"] = format!("{}{}==", &sig[..85], last as char).into();
            })
        },
        Code::AttestationMalformed,
    ),
    ("a short signature", |t| edit(t, |e| e["signatures"][0]["sig"] = "AAAA".into()), Code::AttestationMalformed),
    (
        "a keyid in capitals",
        |t| {
            edit(t, |e| {
                e["signatures"][0]["keyid"] = e["signatures"][0]["keyid"].as_str().unwrap().to_uppercase().into();
            })
        },
        Code::AttestationMalformed,
    ),
    (
        "a keyid with a prefix",
        |t| edit(t, |e| e["signatures"][0]["keyid"] = format!("SHA256:{}", e["signatures"][0]["keyid"]).into()),
        Code::AttestationMalformed,
    ),
    ("another's keyid", |t| edit(t, |e| e["signatures"][0]["keyid"] = "0".repeat(64).into()), Code::KeyidWrong),
    (
        "a changed signature",
        |t| {
            edit(t, |e| {
                let sig = e["signatures"][0]["sig"].as_str().unwrap().to_owned();
                let first = if sig.starts_with('A') { 'B' } else { 'A' };
                e["signatures"][0]["sig"] = format!("{first}{}", &sig[1..]).into();
            })
        },
        Code::SignatureInvalid,
    ),
    (
        "a changed statement",
        |t| {
            edit(t, |e| {
                let text = String::from_utf8(payload(e)).unwrap().replace("\"total\":40", "\"total\":41");
                e["payload"] = STANDARD.encode(text).into();
            })
        },
        Code::SignatureInvalid,
    ),
    ("other counts, signed", |t| resigned(t, "\"total\":40", "\"total\":41"), Code::AttestationMismatch),
    ("another subject, signed", |t| resigned(t, "checksums.sha256", "checksums.sha512"), Code::AttestationMismatch),
    (
        "another predicate type, signed",
        |t| resigned(t, "urn:molsieve:pack:v1", "urn:molsieve:pack:v2"),
        Code::AttestationMismatch,
    ),
    ("another field, signed", |t| resigned(t, "\"complete\"", "\"a\":1,\"complete\""), Code::AttestationMismatch),
    ("white space, signed", |t| resigned(t, "\"complete\"", " \"complete\""), Code::AttestationMismatch),
];

#[test]
fn what_is_done_to_the_envelope_is_named() {
    let name = "attestation.dsse.json";
    let text = String::from_utf8(sample().members[name].clone()).unwrap();
    for (case, tamper, code) in CASES {
        let mut members = sample().members.clone();
        members.insert(name.to_owned(), tamper(&text));
        assert_code(&verify_members(&members, &sample().trust()), *code, case);
    }
}

#[test]
fn the_envelope_of_another_pack_does_not_fit() {
    let other = Packed::signed(41, 15);
    molsieve::pack::sign::sign(&other.pack(), &[sample().private()]).unwrap();
    let mut members = sample().members.clone();
    let name = "attestation.dsse.json";
    members.insert(name.to_owned(), std::fs::read(other.pack().join(name)).unwrap());
    assert_code(&verify_members(&members, &sample().trust()), Code::AttestationMismatch, "another pack's envelope");
}

#[test]
fn a_stranger_beside_a_trusted_key_does_no_harm() {
    let packed = Packed::signed(20, 10);
    molsieve::pack::sign::sign(&packed.pack(), &[sample().private()]).unwrap();
    assert!(packed.verify(&packed.zip()).verified);
    let report = molsieve::pack::verify::verify(&packed.zip(), &sample().trust()).unwrap();
    assert_eq!(report.signers, [sample().public().keyid()]);
}

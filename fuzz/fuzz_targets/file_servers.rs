//! Answers of file servers: packets of SFTP, replies and listings of FTP, listings of WebDAV. No bytes make a reader fail,
//! and no listing has more entries than allowed.
#![no_main]

use cockpit_fuzz::{ftp_listing, ftp_reply, sftp_packet, webdav_listing};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 8;

fuzz_target!(|input: &[u8]| {
    let [choice, bytes @ ..] = input else { return };
    match choice % 4 {
        0 => drop(sftp_packet::reply(bytes.to_vec().into())),
        1 => {
            let text = String::from_utf8_lossy(bytes);
            drop(ftp_reply::line(&text));
            drop(ftp_reply::extended_port(&text));
            drop(ftp_reply::passive_port(&text));
            drop(ftp_reply::quoted_folder(&text));
        }
        2 => {
            if let Ok(found) = ftp_listing::machine(bytes, MOST) {
                assert!(found.len() <= MOST);
            }
            if let Ok(found) = ftp_listing::for_people(bytes, MOST) {
                assert!(found.len() <= MOST);
            }
        }
        _ => {
            if let Ok(found) = webdav_listing::entries(&String::from_utf8_lossy(bytes), "x", MOST) {
                assert!(found.len() <= MOST);
            }
        }
    }
});

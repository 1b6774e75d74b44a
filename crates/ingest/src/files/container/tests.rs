use super::*;
use batches::digest::PrefixDigest;
use config::settings::Section as _;
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::prelude::*;
use std::io::Write as _;

const TEXT: &[u8] = b"Id,Place\n1,shelf\n2,floor\n";

/// The unpacked bytes of a file and its notes, or the error.
fn read_with(
    bytes: &[u8],
    key: &str,
    limits: &[(&'static str, u64)],
) -> Result<(Vec<u8>, Vec<String>), String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let mut digest = PrefixDigest::new(None);
    digest.update(bytes);
    let dump = Fetched::new(key, file, digest).unwrap();
    let mut bounds = Limits::default();
    bounds.ingest.read_chunk_bytes = 64;
    limits.iter().for_each(|(name, value)| bounds.ingest.set_value(name, *value));
    let notes = Notes::default();
    let opened = open(dump, false, Bounds::new(&bounds), &notes);
    let mut plain = Vec::new();
    let mut reader = opened.map_err(|error| error.to_string())?.reader;
    reader.read_to_end(&mut plain).map_err(|error| Error::from(error).to_string())?;
    Ok((plain, notes.take()))
}

fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<String>), String> {
    read_with(bytes, "dump.csv", &[])
}

/// Expects `TEXT` without a note.
#[track_caller]
fn check(bytes: &[u8]) {
    assert_eq!(read(bytes), Ok((TEXT.to_vec(), Vec::new())));
}

/// Expects `TEXT` and a note with these words.
#[track_caller]
fn check_noted(bytes: &[u8], words: &[&str]) {
    let (plain, notes) = read(bytes).unwrap();
    assert_eq!(plain, TEXT);
    assert!(words.iter().all(|word| notes.join(";").contains(word)), "{notes:?}");
}

/// Expects an error with these words.
#[track_caller]
fn check_refused(bytes: &[u8], words: &[&str]) {
    let error = read(bytes).unwrap_err();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

/// A frame with a window of 2 GiB around plain bytes.
fn zstd_with_long_window(bytes: &[u8]) -> Vec<u8> {
    let block = (u32::try_from(bytes.len()).unwrap() << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8][..], &block[..3], bytes].concat()
}

/// A file for an archive: name, flags, method and content.
struct Entry<'a>(&'a str, u16, u16, &'a [u8]);

/// An archive of these files; `is_large` writes sizes and positions as 64-bit numbers.
fn zip(entries: &[Entry<'_>], is_large: bool) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for Entry(name, flags, method, content) in entries {
        let packed = match method {
            8 => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            12 => bzip2(content),
            93 => zstd(content),
            _ => content.to_vec(),
        };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let at = archive.len() as u64;
        let numbers = [content.len() as u64, packed.len() as u64, at];
        let small = |number: u64| if is_large { u32::MAX } else { u32::try_from(number).unwrap() };
        let extra = if is_large {
            let wide = numbers.iter().flat_map(|number| number.to_le_bytes());
            [1, 0, 24, 0].into_iter().chain(wide).collect()
        } else {
            Vec::new()
        };
        let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
        let extra_len = u16::try_from(extra.len()).unwrap().to_le_bytes();
        let mut common = [20_u16, *flags, *method, 0, 0].map(u16::to_le_bytes).concat();
        common.extend(crc.sum().to_le_bytes());
        common.extend(small(numbers[1]).to_le_bytes());
        common.extend(small(numbers[0]).to_le_bytes());
        common.extend(name_len);
        archive
            .extend([b"PK\x03\x04", common.as_slice(), &[0, 0], name.as_bytes(), &packed].concat());
        directory.extend([b"PK\x01\x02", &[20, 0][..], &common, &extra_len, &[0; 10]].concat());
        directory.extend(small(at).to_le_bytes());
        directory.extend([name.as_bytes(), &extra].concat());
    }
    finished(archive, &directory, entries.len() as u64, is_large)
}

fn finished(mut archive: Vec<u8>, directory: &[u8], count: u64, is_large: bool) -> Vec<u8> {
    let (at, len) = (archive.len() as u64, directory.len() as u64);
    archive.extend(directory);
    let mut small = [u32::try_from(len).unwrap(), u32::try_from(at).unwrap()];
    if is_large {
        let end64_at = archive.len() as u64;
        archive.extend([b"PK\x06\x06", &44_u64.to_le_bytes()[..], &[0; 12]].concat());
        archive.extend([count, count, len, at].map(u64::to_le_bytes).concat());
        archive
            .extend([b"PK\x06\x07", &[0; 4][..], &end64_at.to_le_bytes(), &[1, 0, 0, 0]].concat());
        small = [u32::MAX; 2];
    }
    let count = u16::try_from(count).unwrap().to_le_bytes();
    let numbers = small.map(u32::to_le_bytes).concat();
    archive
        .extend([b"PK\x05\x06", &[0; 4][..], &count, &count, &numbers, &[3, 0], b"end"].concat());
    archive
}

#[test]
fn packed_files_are_read() {
    check(TEXT);
    let (first, second) = TEXT.split_at(9);
    for pack in [gzip, bzip2, xz, zstd] {
        check(&pack(TEXT));
        check(&[pack(first), pack(second)].concat());
        check_refused(&pack(TEXT)[..pack(TEXT).len() - 5], &["is truncated or damaged"]);
    }
}

#[test]
fn bytes_after_gzip_are_padding_or_noted() {
    check(&[gzip(TEXT), vec![0; 1000]].concat());
    let (first, second) = TEXT.split_at(9);
    check(&[gzip(first), vec![0; 99], gzip(second)].concat());
    let words = ["11 bytes after the end of the gzip data", "were not read"];
    check_noted(&[gzip(TEXT), b"other words".to_vec()].concat(), &words);
    check_noted(&[gzip(TEXT), vec![0; 7], b"other words".to_vec()].concat(), &words);
    check_refused(&[gzip(TEXT), gzip(b"more")[..15].to_vec()].concat(), &["gzip", "truncated"]);
}

#[test]
fn frames_of_zstd_may_be_skipped_and_their_windows_long() {
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    check(&[&skipped, zstd(TEXT).as_slice(), &skipped].concat());
    assert_eq!(read(&skipped), Ok((Vec::new(), Vec::new())));
    let long = zstd_with_long_window(TEXT);
    check_noted(&long, &["declares a window of 2147483648 bytes"]);
    check_noted(&[&skipped[..], &long].concat(), &["declares a window of 2147483648 bytes"]);
    let long = zstd_with_long_window(&[b'x'; 2000]);
    let error = read_with(&long, "", &[("max_window_bytes", 1024)]).unwrap_err();
    assert!(error.contains("needs a window of 2147483648 bytes, and 1024 bytes"), "{error}");
    let second = [zstd(TEXT), zstd_with_long_window(TEXT)].concat();
    check_refused(&second, &["needs a window of a longer one", "max_window_bytes"]);
}

#[test]
fn xz_stays_within_its_memory() {
    let mut options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
    options.dict_size(64 << 20);
    let mut filters = liblzma::stream::Filters::new();
    filters.lzma2(&options);
    let check = liblzma::stream::Check::Crc32;
    let stream = liblzma::stream::Stream::new_stream_encoder(&filters, check).unwrap();
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(TEXT).unwrap();
    let packed = encoder.finish().unwrap();
    assert_eq!(read(&packed).unwrap().0, TEXT);
    let error = read_with(&packed, "", &[("max_window_bytes", 1 << 20)]).unwrap_err();
    assert!(error.contains("needs a dictionary of more than 1048576 bytes"), "{error}");
}

#[test]
fn nested_containers_are_read_within_limits() {
    check_noted(&gzip(&gzip(TEXT)), &["packed 2 times (gzip within gzip)"]);
    check_noted(&zstd(&xz(&bzip2(TEXT))), &["packed 3 times (bzip2 within xz within zstd)"]);
    let four = gzip(&gzip(&gzip(&gzip(TEXT))));
    check_refused(&four, &["more than the 3 nested containers", "max_container_layers"]);
    let one = [("max_container_layers", 1)];
    assert!(read_with(&gzip(&gzip(TEXT)), "", &one).unwrap_err().contains("gzip within gzip"));
    check_refused(&gzip(&zip(&[Entry("a", 0, 8, TEXT)], false)), &["a zip archive within"]);
}

#[test]
fn a_decompression_bomb_is_stopped() {
    for pack in [gzip, bzip2, xz, zstd] {
        let bomb = pack(&vec![0; 100_000]);
        let error = read_with(&bomb, "", &[("max_unpacked_bytes", 99_999)]).unwrap_err();
        assert!(error.contains("unpacks to more than 99999 bytes"), "{error}");
        assert!(read_with(&bomb, "", &[("max_unpacked_bytes", 100_000)]).is_ok());
    }
}

#[test]
fn a_zip_archive_with_one_file_is_read() {
    for method in [0, 8, 12, 93] {
        for is_large in [false, true] {
            let archive = zip(&[Entry("in/dump.csv", 0, method, TEXT)], is_large);
            check_noted(&archive, &["zip archive: its only file `in/dump.csv`"]);
            assert_eq!(read_with(&archive, "a.csv.ZIP", &[]), Ok((TEXT.to_vec(), Vec::new())));
        }
    }
    let with_folders = [
        Entry("in/", 0, 0, b""),
        Entry("in/dump.csv", 0, 8, TEXT),
        Entry("__MACOSX/in/._dump.csv", 0, 0, b"x"),
        Entry("in/.DS_Store", 0, 0, b"x"),
    ];
    check_noted(&zip(&with_folders, false), &["`in/dump.csv`"]);
    let within = zip(&[Entry("dump.csv.gz", 0, 0, &gzip(TEXT))], false);
    check_noted(&within, &["`dump.csv.gz`", "gzip within zip"]);
}

#[test]
fn other_zip_archives_are_refused_by_their_type() {
    let two = [Entry("a.csv", 0, 8, TEXT), Entry("b.csv", 0, 8, TEXT)];
    check_refused(&zip(&two, false), &["a zip archive of 2 files [a.csv, b.csv]", "unpack it"]);
    check_refused(&zip(&[], false), &["a zip archive of 0 files []"]);
    check_refused(&zip(&[Entry("a.csv", 1, 8, TEXT)], false), &["an encrypted zip archive"]);
    check_refused(&zip(&[Entry("a.csv", 0, 9, TEXT)], false), &["compressed with Deflate64"]);
    let types = || Entry("[Content_Types].xml", 0, 8, b"<x/>");
    let sheet = [types(), Entry("xl/workbook.xml", 0, 8, b"<x/>")];
    check_refused(&zip(&sheet, false), &["an Excel workbook (xlsx)", "CSV"]);
    let letter = [types(), Entry("word/document.xml", 0, 8, b"<x/>")];
    check_refused(&zip(&letter, false), &["a Word document"]);
    let open = [Entry("mimetype", 0, 0, b"x"), Entry("META-INF/manifest.xml", 0, 8, b"<x/>")];
    check_refused(&zip(&open, false), &["an OpenDocument file"]);
}

#[test]
fn a_damaged_zip_archive_is_refused() {
    let whole = zip(&[Entry("a.csv", 0, 0, TEXT)], false);
    let mut other = whole.clone();
    other[40] ^= 1;
    check_refused(&other, &["zip data", "the checksum of its file is wrong"]);
    check_refused(&whole[..whole.len() - 4], &["zip data", "is truncated or damaged"]);
    check_refused(&whole[..30], &["zip data", "it has no directory at its end"]);
}

#[test]
fn other_files_are_refused_by_their_type() {
    let mut tar = vec![b'a'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    check_refused(&tar, &["a tar archive"]);
    check_refused(&gzip(&tar), &["a tar archive"]);
    check_refused(b"7z\xbc\xaf\x27\x1c\0", &["a 7-Zip archive"]);
    check_refused(b"PAR1....", &["an Apache Parquet file", "format = \"parquet\""]);
    check_refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &["an old Excel workbook (xls)"]);
    check_refused(b"%PDF-1.7", &["a PDF document"]);
    for plain in ["BZh9,text", "PK,x", "", "\u{1}"] {
        assert_eq!(read(plain.as_bytes()).unwrap().0, plain.as_bytes());
    }
}

proptest! {
    #[test]
    fn packed_bytes_are_restored(bytes in prop::collection::vec(any::<u8>(), 0..3000), way in 0usize..6) {
        let bytes = [b"\n", bytes.as_slice()].concat();
        let packed = match way {
            0 => gzip(&bytes),
            1 => bzip2(&bytes),
            2 => xz(&bytes),
            3 => zstd(&bytes),
            4 => zip(&[Entry("a", 0, 8, &bytes)], false),
            _ => gzip(&zstd(&bytes)),
        };
        prop_assert_eq!(read(&packed).unwrap().0, bytes);
    }

    #[test]
    fn damaged_files_never_panic(
        way in 0usize..6, at in any::<prop::sample::Index>(), byte in any::<u8>(), len in 0usize..300,
    ) {
        let entries = [Entry("a.csv", 0, 8, TEXT)];
        let mut bytes = match way {
            0 => gzip(TEXT),
            1 => bzip2(TEXT),
            2 => xz(TEXT),
            3 => zstd(TEXT),
            way => zip(&entries, way == 4),
        };
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.truncate(len.max(1));
        let _read = read(&bytes);
    }
}

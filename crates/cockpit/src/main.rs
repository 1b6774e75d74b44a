#[expect(dead_code, reason = "wired by flow")]
mod serve;

fn main() {}

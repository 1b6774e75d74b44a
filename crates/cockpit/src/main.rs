mod lake;

fn main() {}

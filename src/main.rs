//! oddlot finds what does not belong in price history.

fn main() {}

//! Reports: definitions in the plant folder, rendered, issued, stored and sent.

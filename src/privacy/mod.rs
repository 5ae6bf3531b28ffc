//! What people can ask for about their own data.

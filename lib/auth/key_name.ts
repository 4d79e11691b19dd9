/** What keys may be called: it stands in every line of the log about them. */
export const KEY_NAME_PATTERN = /^[\w.@-]{1,64}$/;

/** What is wrong with another name, to follow it. */
export const KEY_NAME_COMPLAINT = "must be 1 to 64 letters, digits or . _ @ -";

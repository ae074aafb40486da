// Section 18, and the way errors travel: a Refusal has one of the document's error classes.

export const GF = {
  HEADER_MAX: 16384,
  HEAD_MAX: 20480,
  BUNDLE_MAX: 2147483647,
  ARCHIVE_MAX: 2130706432,
  READERS_MAX: 15,
  NEEDS_MAX: 16,
  NEED_NAME_MAX: 32,
  FRAME_MAX: 1048576,
  FRAMES_MAX: 16384,
  MEMBERS_MAX: 4096,
  CONTENTS_MAX: 2097152,
  NAME_MAX: 255,
  MEMBER_NAME_MAX: 64,
  LINE_MAX: 1048576,
  WORD_MAX: 64,
  REASON_MAX: 1024,
  TYPE_MAX: 255,
  EXT_MAX: 4096,
  VOID_MAX: 1024,
  HAVE_MAX: 256,
  ALSO_MAX: 1024,
  WANT_MAX: 256,
  CARD_MAX: 4096,
  CARD_FILE_MAX: 8192,
  DOCUMENT_MAX: 1048576,
  DOCUMENT_SIGS_MAX: 3,
  COMMENT_MAX: 8192,
  JSON_DEPTH_MAX: 16,
  JSON_MEMBERS_MAX: 256,
  JSON_ELEMENTS_MAX: 8192,
  JSON_VALUES_MAX: 65536,
  JSON_NAME_MAX: 256,
}

export class Refusal extends Error {
  constructor(errorClass, text) {
    super(text)
    this.errorClass = errorClass
  }
}

export function refuse(errorClass, text) {
  throw new Refusal(errorClass, text)
}

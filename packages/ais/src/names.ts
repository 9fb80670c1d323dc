/**
 * `SaNameT`: a name of 1 to 256 bytes of UTF-8. Strings in the API, byte-counted here without any
 * platform encoder, since services check names too and they see no platform.
 */

/** Largest name in bytes (`SA_MAX_NAME_LENGTH`). */
export const SA_MAX_NAME_LENGTH = 256;

/** Bytes that `text` takes in UTF-8; a lone surrogate counts 3, as every encoder replaces it by U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isSurrogatePair(unit, text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/** True for a string that is a valid `SaNameT`: 1 to 256 bytes, no lone surrogate. */
export function isSaName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name.length > 0 &&
    name.length <= SA_MAX_NAME_LENGTH &&
    utf8Length(name) <= SA_MAX_NAME_LENGTH &&
    !hasLoneSurrogate(name)
  );
}

function isSurrogatePair(high: number, low: number): boolean {
  return high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
}

function hasLoneSurrogate(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    if (!isSurrogatePair(unit, text.charCodeAt(i + 1))) return true;
    i++;
  }
  return false;
}

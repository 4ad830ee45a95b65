/** Files with secrets that the user names. Unlike the home's own files they may be links (mounted secrets are). */
import { readFile, stat } from 'node:fs/promises'
import { PlexiError } from '../../base/errors.ts'

const MAX_SECRET_BYTES = 65_536

/** The content without a final line end, and whether other accounts can read it. */
export async function readSecretFile(path: string): Promise<{ bytes: Buffer; exposed: boolean }> {
  const { size, mode } = await stat(path)
  if (size > MAX_SECRET_BYTES) throw new PlexiError('VALIDATION_LIMIT', { what: path, limit: MAX_SECRET_BYTES })
  const bytes = await readFile(path)
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0
  return { bytes: bytes.subarray(0, bytes.length - end), exposed: (mode & 0o007) !== 0 }
}

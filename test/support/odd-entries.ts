/** A directory with what few backups keep, as far as this file system and account can make it. */
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { systemDisk as disk } from '../../src/daemon/system/index.ts'
import { lacks, someAcl } from './file-system.ts'

const bytesOf = (text: string, ...bytes: number[]): Buffer => Buffer.concat([Buffer.from(text), Buffer.from(bytes)])

/** Returns how many regular files it made. */
export async function oddEntries(dir: string): Promise<number> {
  mkdirSync(join(dir, 'folder'), { recursive: true })
  const odd = bytesOf(`${dir}/not-utf8-`, 0xff, 0xfe)
  writeFileSync(odd, 'odd')
  writeFileSync(join(dir, 'file'), 'of many names')
  linkSync(join(dir, 'file'), join(dir, 'folder/second name'))
  linkSync(odd, join(dir, 'folder/third name'))
  symlinkSync('nowhere', join(dir, 'link'))
  linkSync(join(dir, 'link'), join(dir, 'the same link'))
  sparse(join(dir, 'sparse'))
  await specialFiles(dir)
  await attributes(dir, odd)
  chmodSync(join(dir, 'file'), 0o4400)
  chmodSync(join(dir, 'folder'), 0o1777)
  for (const [name, ns] of [
    ['file', 1_700_000_000_123_456_789n],
    ['link', -1n],
    ['sparse', 1n],
  ] as const)
    await disk.setMtime(join(dir, name), ns)
  await disk.setMtime(join(dir, 'folder'), 1_600_000_000_000_000_001n)
  return 5
}

function sparse(path: string): void {
  const file = openSync(path, 'w')
  ftruncateSync(file, 64 << 20)
  writeSync(file, 'in the middle', 20 << 20)
  closeSync(file)
}

async function specialFiles(dir: string): Promise<void> {
  if (lacks.fifos === false) await disk.mknod(join(dir, 'fifo'), { kind: 'fifo', mode: 0o640, device: [0, 0] })
  if (lacks.devices !== false) return
  await disk.mknod(join(dir, 'char'), { kind: 'char', mode: 0o600, device: [1, 3] })
  await disk.mknod(join(dir, 'block'), { kind: 'block', mode: 0o600, device: [7, 259] })
}

async function attributes(dir: string, odd: Buffer): Promise<void> {
  if (lacks.xattrs === false) {
    await disk.setXattr(odd, [bytesOf('user.', 0xfe), bytesOf('', 0, 255, 0)])
    await disk.setXattr(join(dir, 'folder'), [Buffer.from('user.empty'), Buffer.alloc(0)])
    await disk.setXattr(join(dir, 'file'), [Buffer.from('user.read only'), Buffer.from('0400')])
  }
  if (lacks.acls !== false) return
  await disk.setXattr(join(dir, 'sparse'), [Buffer.from('system.posix_acl_access'), someAcl])
  await disk.setXattr(join(dir, 'folder'), [Buffer.from('system.posix_acl_default'), someAcl])
}

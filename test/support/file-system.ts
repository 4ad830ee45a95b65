/** What the file system under the temporary directory keeps: tests of more are skipped by name. */
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { libc } from '../../src/daemon/system/libc.ts'

const dir = mkdtempSync(join(tmpdir(), 'plexi-probe-'))
const path = Buffer.from(join(dir, 'probe'))
writeFileSync(path, '')

/** An access ACL: owner, a user by number, group, mask, others. */
export const someAcl = Buffer.from(
  '0200000001000600ffffffff02000400' + 'e8030000' + '04000400ffffffff' + '10000600ffffffff' + '20000000ffffffff',
  'hex',
)

/** False, or why a test is skipped. */
export const lacks = {
  exactTimes: libc().setMtime === undefined && 'no libc here',
  xattrs: !works(() => libc().setXattr?.(path, [Buffer.from('user.probe'), Buffer.from('1')])) && 'no xattrs here',
  acls: !works(() => libc().setXattr?.(path, [Buffer.from('system.posix_acl_access'), someAcl])) && 'no ACLs here',
  fifos: libc().mknod === undefined && 'no libc here',
  devices: !makesDevices() && 'devices need root',
  holes: !keepsHoles() && 'no holes here',
}
rmSync(dir, { recursive: true })

function works(call: () => void): boolean {
  try {
    call()
    return libc().setXattr !== undefined
  } catch {
    return false
  }
}

function makesDevices(): boolean {
  const device = Buffer.from(join(dir, 'null'))
  return works(() => libc().mknod?.(device, { kind: 'char', mode: 0o600, device: [1, 3] }))
}

function keepsHoles(): boolean {
  truncateSync(path, 1 << 20)
  return statSync(path).blocks === 0 && libc().nextData !== undefined
}

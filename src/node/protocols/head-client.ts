/** Heads from the owner's side: leaving them with a host and collecting them again. Spec: docs/spec/05-storage-protocol.md § put-head, § get-head */
import { equal } from '../../base/bytes.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { openTerms } from '../../crypto/terms.ts'
import { type HeadBundle, type HeadNotice, openNotice, sealedHashOf } from '../../shard/index.ts'
import { restHashOf } from '../host/index.ts'
import { type Call, type Conversation, converse, type Credentials } from './call.ts'

export interface HeadPut {
  readonly bundle: HeadBundle
  /** Pre-signed DHT records of the coming periods, at most 64 of 2 KiB. */
  readonly records: readonly Uint8Array[]
  readonly stamp?: Uint8Array
}

/** Leaves a head with its terms. Throws `STORAGE_HEAD_STALE`, `STORAGE_HEAD_FORKED`, `SECURITY_ROLLBACK` and the usual ones. */
export function putHead(call: Call, credentials: Pick<Credentials, 'certificate'>, put: HeadPut): Promise<void> {
  const { authority, terms, notice, sealed } = put.bundle
  return converse(call, 'transferMs', async (conversation) => {
    await conversation.ask(
      { certificate: credentials.certificate, terms },
      {
        verb: 'put-head',
        notice,
        authorityBytes: authority.length,
        sealedBytes: sealed.length,
        restHash: restHashOf(authority, put.records),
        records: put.records.map((record) => record.length),
        stamp: put.stamp ?? null,
      },
    )
    if (!(await conversation.answer('put-head')).go) return
    for (const part of [authority, sealed, ...put.records]) await conversation.body(part)
    await conversation.answer('head-stored')
  })
}

/** One device's head as a host gave it: signatures and hash are checked, the seals are not opened. */
export interface HostedHead {
  readonly bundle: HeadBundle
  readonly notice: HeadNotice
  /** When the host got it, by its clock, ms; the terms in the bundle are empty where the host has none. */
  readonly storedAt: number
  /** Signed notices that contradict this head: evidence of a fork. */
  readonly forks: readonly Uint8Array[]
}

/** Every device's head of the vault on this host; what does not verify is left out. Empty where there are none. */
export function getHeads(call: Call, credentials: Credentials, vault: VaultId): Promise<HostedHead[]> {
  return converse(call, 'transferMs', async (conversation) => {
    await conversation.ask(credentials, { verb: 'get-head' })
    const { heads, termsBytes } = await conversation.answer('get-head')
    const terms = await conversation.receive(termsBytes)
    const found: HostedHead[] = []
    for (let i = 0; i < heads; i++) {
      const head = await receiveHead(conversation, terms)
      if (head !== undefined && verified(head, vault)) found.push(head)
    }
    if (termsBytes > 0 && !termsVerify(terms, vault)) throw conversation.broken('terms that do not verify')
    return found
  })
}

async function receiveHead(conversation: Conversation, terms: Uint8Array): Promise<HostedHead | undefined> {
  const { notice, authorityBytes, sealedBytes, storedAt, forks } = await conversation.answer('one-head')
  const authority = await conversation.receive(authorityBytes)
  const sealed = await conversation.receive(sealedBytes)
  try {
    return { bundle: { authority, terms, notice, sealed }, notice: openNotice(notice), storedAt, forks }
  } catch {
    // One bad head must not hide the others this host has.
    return undefined
  }
}

function verified({ bundle, notice }: HostedHead, vault: VaultId): boolean {
  return equal(notice.vault, vault) && equal(sealedHashOf(bundle.sealed), notice.sealedHash)
}

function termsVerify(terms: Uint8Array, vault: VaultId): boolean {
  try {
    openTerms(terms, vault)
    return true
  } catch {
    return false
  }
}

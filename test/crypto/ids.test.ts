import t from 'tap'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toHex } from '../../src/base/bytes.ts'
import { peerKey, peerKeyOf, publicKeyOfPeer, vaultId, vaultText } from '../../src/crypto/ids.ts'
import { signingKey } from '../../src/crypto/signature.ts'

t.test('peer keys are libp2p peer ids of the same seed', async (t) => {
  for (let i = 0; i < 5; i++) {
    const seed = new Uint8Array(32).fill(i)
    const peerId = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))
    const { publicKey } = signingKey(seed)
    t.equal(peerKeyOf(publicKey), peerId.toString())
    t.equal(toHex(publicKeyOfPeer(peerId.toString())), toHex(publicKey))
    t.equal(peerKey(peerId.toString()), peerId.toString())
  }
})

t.test('what is no Ed25519 peer id is refused', (t) => {
  const bad = ['', 'x', '0OIl', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', '1'.repeat(60), 'z'.repeat(10_000)]
  for (const text of bad) t.throws(() => peerKey(text), { code: 'VALIDATION_FORMAT' })
  t.end()
})

t.test('vault ids are 32 bytes', (t) => {
  t.equal(vaultText(vaultId(new Uint8Array(32))), '00'.repeat(32))
  t.throws(() => vaultId(new Uint8Array(31)), { code: 'VALIDATION_FORMAT' })
  t.end()
})

/** `identity`: this device and its vault. The words are compared here; they never leave this process. */
import { Command, Option } from 'commander'
import { MINUTE } from '../../base/clock.ts'
import { allGrants } from '../../crypto/certificate.ts'
import { addDevice, grantsOption } from '../add-device.ts'
import { durationOption, type Cli } from '../cli.ts'
import { counted, timestamp } from '../format.ts'
import type { Session } from '../session.ts'
import { check, listDevices, revoke, rotate } from '../devices.ts'

export function build(cli: Cli): Command {
  const identity = new Command('identity')
  identity.command('show', { isDefault: true }).description('this device and its vault').action(cli.action(show))
  identity
    .command('check')
    .description('do these 24 words belong to this vault?')
    .option('--phrase-file <file>', 'a file with the words; - for stdin')
    .action(cli.action(check))
  identity
    .command('devices')
    .description('the devices of this vault')
    .option('--sync', 'look first what the others did')
    .action(cli.action(listDevices))
  identity
    .command('add-device')
    .description('a one-time code for a new machine; asks for the words when that machine has answered')
    .option('--name <name>', 'what the vault calls it (else what it calls itself)')
    .addOption(
      new Option('--grants <list>', 'what it may: store alone makes it write-only')
        .argParser(grantsOption)
        .default([...allGrants], allGrants.join(',')),
    )
    .addOption(
      new Option('--expires <duration>', 'how long the code is valid')
        .argParser(durationOption)
        .default(20 * MINUTE, '20m'),
    )
    .option('--phrase-file <file>', 'a file with the words; - for stdin')
    .action(cli.action(addDevice))
  identity
    .command('revoke')
    .argument('<device>', 'its name, serial, or a start of its peer id')
    .description('a device loses its rights for good; asks for the words')
    .option('--phrase-file <file>', 'a file with the words; - for stdin')
    .action(cli.action(revoke))
  identity
    .command('rotate')
    .description('begin a new epoch: what is stored from now on has a new key; asks for the words')
    .option('--phrase-file <file>', 'a file with the words; - for stdin')
    .action(cli.action(rotate))
  identity
    .command('kit')
    .description('recovery kit to print: everything but the words, with room for them')
    .action(cli.action(kit))
  return identity
}

async function show(session: Session): Promise<void> {
  const identity = await session.ask('identity', {})
  const { pairs } = await import('../table.ts')
  session.out.document(identity, () =>
    pairs(session.out, [
      ['vault', identity.vault],
      ['device', identity.name],
      ['peer', identity.peerId],
      ['serial', identity.serial],
      ['may', identity.grants.join(', ')],
      ['certificate until', timestamp(identity.notAfter)],
      ['devices', identity.devices],
      ['epochs', identity.epochs],
      ['deletions delayed by', counted(identity.floorDays, 'day')],
      ['keys sealed under', identity.lock === 'passphrase' ? 'a passphrase' : 'a key file'],
    ]),
  )
}

async function kit(session: Session): Promise<void> {
  const data = await session.ask('identityKit', {})
  session.out.document(data, () => {
    const lines = [
      'PLEXICHAT RECOVERY KIT',
      `made ${timestamp(data.created)} UTC on ${data.name}`,
      '',
      `vault    ${data.vault}`,
      `circle   ${data.circle}`,
      ...(data.key === null ? [] : [`key      ${data.key}`]),
      '',
      'addresses of members (any one will do)',
      ...(data.addresses.length === 0 ? ['  none known yet'] : data.addresses.map((address) => `  ${address}`)),
      '',
      'the 24 words (write them by hand; they are stored nowhere)',
      '',
      ...Array.from({ length: 6 }, (_, row) =>
        Array.from({ length: 4 }, (_blank, at) => `${String(row * 4 + at + 1).padStart(2)} ______________`).join('  '),
      ),
      '',
      'on a new machine',
      `  plexichat recover${data.addresses.length === 0 ? '' : ' --bootstrap ADDRESS'}`,
      '  plexichat up',
      '  plexichat restore latest --to DIR',
    ]
    return lines.join('\n')
  })
}

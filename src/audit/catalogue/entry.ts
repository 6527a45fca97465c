/** Rows of PCI DSS 4.0.1, 10.2.1: what an audit log must hold. */
export const pciRows = {
  '10.2.1.1': 'All individual user access to cardholder data',
  '10.2.1.2': 'All actions taken by any individual with administrative access',
  '10.2.1.3': 'Access to all audit logs',
  '10.2.1.4': 'All invalid logical access attempts',
  '10.2.1.5': 'All changes to identification and authentication credentials',
  '10.2.1.6': 'Initialization of new audit logs; starting, stopping or pausing of the existing ones',
  '10.2.1.7': 'All creation and deletion of system-level objects',
} as const

export type PciRow = keyof typeof pciRows

/** Names of classes and of their activities in OCSF 1.x (schema.ocsf.io), as far as they fit what happens here. */
export const ocsfActivities = {
  'Account Change': ['Create', 'Delete', 'Attach Policy'],
  'API Activity': ['Create', 'Read', 'Update', 'Delete'],
  'Application Lifecycle': ['Start', 'Stop', 'Update'],
  Authentication: ['Logon', 'Logoff'],
  'Compliance Finding': ['Create'],
  'Datastore Activity': ['Update', 'Delete'],
  'Detection Finding': ['Create', 'Close'],
  'Email Activity': ['Send', 'Receive'],
  'Entity Management': [
    'Create',
    'Read',
    'Update',
    'Delete',
    'Enroll',
    'Unenroll',
    'Activate',
    'Suspend',
    'Resume',
  ],
  'Event Log Activity': ['Export', 'Archive', 'Start', 'Stop', 'Enable'],
  'HTTP Activity': ['Other'],
  'Network Activity': ['Fail', 'Refuse'],
} as const

export type OcsfClass = keyof typeof ocsfActivities
export type Ocsf = {
  readonly [C in OcsfClass]: { readonly class: C; readonly activity: (typeof ocsfActivities)[C][number] }
}[OcsfClass]

export interface CatalogueEntry {
  /** One sentence. */
  readonly means: string
  readonly result: 'success' | 'failure'
  /** Null where OCSF has no name for it. */
  readonly ocsf: Ocsf | null
  /** The rows of PCI DSS 10.2.1 that events of this type answer. */
  readonly pci: readonly PciRow[]
}

/** An entry for each type of these events, and for no other. */
export type EntriesOf<Event extends { readonly type: string }> = {
  readonly [Type in Event['type']]: CatalogueEntry
}

type Ocsfs = readonly [OcsfClass, string] | null

/** What somebody meant to happen did. */
export function success<C extends OcsfClass>(
  means: string,
  ocsf: readonly [C, (typeof ocsfActivities)[C][number]] | null,
  ...pci: readonly PciRow[]
): CatalogueEntry {
  return { means, result: 'success', ocsf: ocsfOf(ocsf), pci }
}

/** It was refused, it failed, or it is bad news. */
export function failure<C extends OcsfClass>(
  means: string,
  ocsf: readonly [C, (typeof ocsfActivities)[C][number]] | null,
  ...pci: readonly PciRow[]
): CatalogueEntry {
  return { means, result: 'failure', ocsf: ocsfOf(ocsf), pci }
}

function ocsfOf(ocsf: Ocsfs): Ocsf | null {
  return ocsf === null ? null : ({ class: ocsf[0], activity: ocsf[1] } as Ocsf)
}

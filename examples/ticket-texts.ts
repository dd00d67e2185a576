/** What generate.ts makes tickets of. `{name}` is filled from `slots`, or with a number, an amount or an invoice's number. */
export interface TicketTexts {
  readonly subjects: readonly string[]
  readonly problems: readonly string[]
  readonly details: readonly string[]
  readonly asks: readonly string[]
}

export const slots = {
  feature: [
    'recurring invoices',
    'payment reminders',
    'time tracking',
    'the expense scanner',
    'client portal pages',
    'quote templates',
    'the tax report',
    'multi-currency totals',
  ],
  browser: ['Firefox 143', 'Chrome 141', 'Safari 26', 'Edge 141', 'the iPhone app', 'the Android app'],
  tool: ['our bookkeeping software', 'the bank feed', 'our calendar', 'the webshop', 'our payroll provider', 'the CRM'],
  role: ['accountant', 'bookkeeper', 'business partner', 'office manager', 'new colleague', 'tax adviser'],
  colleague: ['Maren', 'Ilya', 'Thandiwe', 'Jorge', 'Aiko', 'Priya', 'Lennart', 'Fatou', 'Noé', 'Zofia'],
  client: [
    'a bakery',
    'a school',
    'the town library',
    'a bicycle workshop',
    'a dental practice',
    'a theatre group',
    'a vineyard',
    'an architect',
  ],
  country: ['Portugal', 'Norway', 'Kenya', 'Chile', 'Japan', 'Canada', 'Poland', 'New Zealand'],
  when: [
    'this morning',
    'since yesterday',
    'since Tuesday',
    'for three days',
    'since the last update',
    'about an hour ago',
    'since the first of the month',
  ],
  code: ['E-1042', 'E-2207', 'HTTP 502', 'PAY-17', 'SYNC-403', '"Something went wrong"'],
  deadline: ['by Friday', 'before the end of the quarter', 'until Monday noon', 'today, if at all possible', 'before our audit'],
} as const
export type SlotName = keyof typeof slots

export const openings = [
  '',
  '',
  'Hi,',
  'Hello,',
  'Hello Tallyfern team,',
  'Good morning,',
  'Dear support,',
  'Hey there!',
  'Hi again,',
  'To whom it may concern,',
] as const
export const closings = [
  '',
  'Thanks!',
  'Thanks, {colleague}',
  'Best regards\n{colleague}',
  'Kind regards, {colleague}',
  'Cheers',
  '— {colleague}',
  'Sent from my phone',
] as const

export const tickets: readonly TicketTexts[] = [
  {
    subjects: [
      'Charged twice',
      'Question about my bill',
      'Invoice {invoice}',
      'Wrong amount on the card statement',
      'VAT missing',
    ],
    problems: [
      'We were charged {amount} EUR twice for the same month.',
      'Your invoice {invoice} shows {amount} EUR, but our plan should cost less than that.',
      'I downgraded {when} and the next charge of {amount} EUR still has the old price.',
      'The receipt for {invoice} has no VAT number on it, so our {role} cannot book it.',
      'My card was declined {when} although the bank says that everything is fine.',
    ],
    details: [
      'We have {number} seats, and two of them were removed {when}.',
      'The card statement says TALLYFERN*{amount}.',
      'We are registered in {country}, if that matters.',
      'Our {role} noticed it while closing the books.',
    ],
    asks: [
      'Could you check this and correct it?',
      'Please send a corrected receipt {deadline}.',
      'Which of the two payments is the right one?',
      'How do I change the billing address for future receipts?',
    ],
  },
  {
    subjects: [
      'Error {code}',
      'Cannot save an invoice',
      '{feature} stopped working',
      'PDF comes out empty',
      'Totals are off by one cent',
    ],
    problems: [
      'Saving invoice {invoice} fails with {code} {when}.',
      'In {browser}, {feature} show a blank page {when}.',
      'The PDF of {invoice} is empty when I download it with {browser}.',
      'Our totals are off by one cent as soon as there is a discount and {number} lines.',
      'Every time I open {feature}, I am thrown back to the start page.',
    ],
    details: [
      'It works for {colleague}, who has the same rights.',
      'I tried {browser} and {browser}, no difference.',
      'Clearing the cache did not help.',
      'It only happens for {client}, all other clients are fine.',
      'The console says {code}, if that helps.',
    ],
    asks: [
      'Can you have a look?',
      'I need this invoice out {deadline}.',
      'Is this a known problem?',
      'Happy to send a recording of the screen.',
    ],
  },
  {
    subjects: [
      'Locked out',
      'Password reset mail does not arrive',
      'Two-factor code refused',
      'Need to transfer ownership',
      'Please remove a user',
    ],
    problems: [
      'I am locked out {when}, the reset mail never arrives.',
      'My new phone does not have the authenticator any more and I cannot sign in.',
      '{colleague} left the company and was the only owner of our account.',
      'It says that my address is already in use, but I have never had an account.',
      'We had a sign-in from {country} {when}, and nobody of us was there.',
    ],
    details: [
      'I have checked the spam folder, twice.',
      'The account is in the name of our {role}.',
      'I still have the recovery codes, but they are refused with {code}.',
      'We are {number} people and all of us are waiting.',
    ],
    asks: [
      'How do I get back in?',
      'Please close all open sessions.',
      'What do you need from us to prove that we own the account?',
      'We have to send invoices {deadline}.',
    ],
  },
  {
    subjects: [
      'How do I …?',
      'Question about {feature}',
      'Is it possible to bill in two currencies?',
      'Where do I find the yearly overview?',
      'Setting up {feature}',
    ],
    problems: [
      'How do I set up {feature} for {client}?',
      'Where can I see what {client} still owes us?',
      'I would like to send one invoice in two languages, is that possible?',
      'Can my {role} have a look without being able to change anything?',
      'What is the right way to credit {amount} EUR of invoice {invoice}?',
    ],
    details: [
      'The help page talks about a menu that I do not have.',
      'We are on the smallest plan, maybe that is why.',
      'We do this about {number} times a month.',
      'I have found it in {browser}, but not in the app.',
    ],
    asks: [
      'A short hint is enough.',
      'Is there a video?',
      'Or is that only in a larger plan?',
      'Thanks for pointing me in the right direction!',
    ],
  },
  {
    subjects: ['Idea: {feature}', 'Feature request', 'Please add a dark mode', 'Missing: bulk edit', 'A small wish'],
    problems: [
      'It would help us a lot if {feature} could be copied from one client to another.',
      'Please let us change {number} invoices at once instead of one after the other.',
      'Could you add the invoice format that public offices in {country} ask for?',
      'We miss a way to split a payment of {amount} EUR over several invoices.',
      'A dark mode for {browser} would be kind to those of us who do their books at night.',
    ],
    details: [
      'Today we export everything to a spreadsheet for it.',
      'Our {role} asks for this every month.',
      'The tool that we had before did this.',
      'I know of at least {number} other people who would use it.',
    ],
    asks: ['Is something like this planned?', 'I would gladly test it.', 'Where can I vote for it?'],
  },
  {
    subjects: [
      'Cancel our plan',
      'Closing the business',
      'Switching to another tool',
      'Stop the renewal',
      'Too expensive for us',
    ],
    problems: [
      'Please cancel our plan at the end of the period, we are closing the business.',
      'We are moving to another tool because {feature} never worked for us.',
      'After the new prices, {amount} EUR a month is simply too much for {number} people.',
      'I tried to cancel {when}, but the button leads to {code}.',
      'I signed up to try {feature} and forgot to stop the renewal.',
    ],
    details: [
      'We have been with you for years, and it was mostly good.',
      'Our data has to be kept for the tax office in {country}.',
      'Nobody has answered my last two messages.',
      'The trial ended {when}.',
    ],
    asks: [
      'Please confirm in writing.',
      'How long can we still read our old invoices?',
      'Is there a smaller plan that would fit?',
      'Can the unused months be paid back?',
    ],
  },
  {
    subjects: ['Sync with {tool} broken', 'Webhook arrives twice', 'API limit', 'Bank feed shows nothing', 'Connecting {tool}'],
    problems: [
      'The connection with {tool} shows {code} {when}.',
      'Payments from {tool} arrive twice, so {client} seems to have paid too much.',
      'Your webhook for {invoice} came {number} times within a minute.',
      'The API answers 429 after {number} calls, although the documentation says 100 a minute.',
      'Since we connected {tool}, every contact exists twice.',
    ],
    details: [
      'We disconnected and connected it again, same result.',
      'The last good sync was {when}.',
      'The request id in the log ends in {number}.',
      'Nothing has been changed on our side.',
    ],
    asks: [
      'Is there a status page for this?',
      'How do we remove the duplicates without touching {number} invoices?',
      'Which address has to be allowed in our firewall?',
      'We need it {deadline}.',
    ],
  },
  {
    subjects: [
      'Export for the {role}',
      'Import of old invoices',
      'Deleted by mistake',
      'Privacy request',
      'CSV has broken characters',
    ],
    problems: [
      'The CSV export turns ä and é into question marks, our {role} cannot import it.',
      '{colleague} deleted {number} invoices {when}, by mistake.',
      'Importing our old invoices stops at line {number} with {code}.',
      'Under data protection law I would like to know what you store about me.',
      'Our {role} needs all receipts of the year as PDF, {deadline}.',
    ],
    details: [
      'There are about {number} hundred of them.',
      'The file opens fine in a text editor.',
      'Invoice {invoice} is among them and has been paid already.',
      'We are in {country}, where they must be kept for ten years.',
    ],
    asks: [
      'Can you bring them back?',
      'In which format do you need the file?',
      'Is there a way to get all of it at once?',
      'Thank you for a quick answer.',
    ],
  },
  {
    subjects: ['Very slow {when}', 'Dashboard takes forever', 'App drains the battery', 'Timeouts', 'Is there an outage?'],
    problems: [
      'The dashboard takes {number} seconds to load {when}.',
      'Sending {number} invoices at once runs into {code}.',
      'The search finds {client} only after half a minute.',
      'Everything is slow in {browser}, and only with you: other pages are fast.',
      'Since the update, the app empties my battery when {feature} are open.',
    ],
    details: [
      'We have {number} thousand invoices, perhaps that is the reason.',
      'Colleagues in {country} see the same.',
      'Mornings are worse than evenings.',
      'The status page is all green.',
    ],
    asks: ['Is there an outage?', 'Can we do something on our side?', 'It would be good to have this solved {deadline}.'],
  },
  {
    subjects: ['Thank you', 'Great update', 'Kudos to {colleague}', 'Love {feature}', 'Five stars'],
    problems: [
      'I just wanted to say that {feature} save me {number} hours a month.',
      '{colleague} from your team solved our problem with {tool} within minutes. Wonderful.',
      'The new design is so much calmer, thank you!',
      'We won {client} as a client because our quotes look so good now.',
      'Switched from a spreadsheet {when}, and I am not going back.',
    ],
    details: [
      'Even our {role} smiled, and that is rare.',
      'One tiny thing: {feature} could be easier to find.',
      'I have recommended you to {number} friends already.',
      'Only the price rise hurt a little.',
    ],
    asks: ['Please pass this on.', 'Keep going!', 'No answer needed.'],
  },
]

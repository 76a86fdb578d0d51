/** Who works here, and what they can do about that: hand over, let someone in, sign out. */
import { useState } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useOutbox } from '../device/hooks.ts';
import { useEdge } from '../net/edge-status.ts';
import { keepSession } from '../net/session.ts';
import { Button } from '../parts/button.tsx';
import { Sheet } from '../parts/sheet.tsx';
import { useShop } from '../shop.tsx';
import { LANGUAGES, type Language, useSpeech } from '../words/language.tsx';
import { Pin } from './pin.tsx';
import { mayVouch, Vouch } from './vouch.tsx';

type Opened = 'pin' | 'vouch' | 'leaving' | null;

export function Me() {
  const { language, speak, words } = useSpeech();
  const { user } = useShop();
  const edge = useEdge();
  const waiting = useOutbox().length;
  const [opened, open] = useState<Opened>(null);
  const close = () => open(null);
  const hasPeople = typeof edge === 'object' && edge.people !== null;
  const others = (Object.keys(LANGUAGES) as Language[]).filter((code) => code !== language);
  return (
    <>
      <MenuTrigger>
        <AriaButton className="button me">
          <span className="initials">{initialsOf(user.name)}</span>
          <span className="who">
            <strong id="user">{user.name}</strong>
            <span className="role">{words.roles[user.role]}</span>
          </span>
        </AriaButton>
        <Popover className="popover" placement="bottom end">
          <Menu className="menu" aria-label={words.nav.me}>
            {hasPeople ? <Item text={words.pin.open} onAction={() => open('pin')} /> : null}
            {mayVouch(user, edge) ? <Item text={words.vouch.open} onAction={() => open('vouch')} /> : null}
            {others.map((code) => (
              <Item key={code} text={LANGUAGES[code]} onAction={() => speak(code)} />
            ))}
            <Item text={words.signIn.out} onAction={() => (waiting === 0 ? keepSession(null) : open('leaving'))} />
          </Menu>
        </Popover>
      </MenuTrigger>
      {opened === 'pin' ? <Pin onClose={close} /> : null}
      {opened === 'vouch' ? <Vouch onClose={close} /> : null}
      {opened === 'leaving' ? <Leaving onClose={close} /> : null}
    </>
  );
}

const Item = ({ text, onAction }: { text: string; onAction(): void }) => (
  <MenuItem className="menu-item" onAction={onAction}>
    {text}
  </MenuItem>
);

const initialsOf = (name: string) =>
  name
    .split(/\s+/)
    .map((part) => part.at(0) ?? '')
    .slice(0, 2)
    .join('');

/** Somebody signs out while this device holds what nobody else has. */
function Leaving({ onClose }: { onClose(): void }) {
  const { signIn, common } = useSpeech().words;
  const waiting = useOutbox();
  const save = () => {
    const facts = waiting.map(({ kind, key, body, by }) => ({ kind, key, body, by }));
    const url = URL.createObjectURL(new Blob([JSON.stringify(facts, null, 2)], { type: 'application/json' }));
    Object.assign(document.createElement('a'), { href: url, download: 'changes.json' }).click();
    URL.revokeObjectURL(url);
  };
  return (
    <Sheet title={signIn.out} onClose={onClose}>
      <p className="hint">{signIn.outWaiting(waiting.length)}</p>
      <div className="actions">
        <Button onPress={onClose}>{common.cancel}</Button>
        <Button onPress={save}>{signIn.export}</Button>
        <Button look="primary" onPress={() => keepSession(null)}>
          {signIn.outAnyway}
        </Button>
      </div>
    </Sheet>
  );
}

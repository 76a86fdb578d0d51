/** The way in. */
import { type FormEvent, useState } from 'react';
import { Strip } from '../../frame/strip.tsx';
import { request } from '../../net/request.ts';
import { keepSession, type Session, wasEnded } from '../../net/session.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { LANGUAGES, type Language, troubleWords, useSpeech } from '../../words/language.tsx';

export function SignIn() {
  const { words, language, speak } = useSpeech();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState(wasEnded() ? words.signIn.again : '');
  const [isBusy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setError('');
    setBusy(true);
    try {
      const { body } = await request<Session>('POST', '/session', { body: { username: username.trim(), password } });
      keepSession(body);
    } catch (trouble) {
      setError(troubleWords(trouble, words));
      setBusy(false);
    }
  }

  return (
    <div className="entrance">
      <Strip />
      <main>
        <form className="card" onSubmit={(event) => void submit(event)}>
          <img className="mark" src="/icon.svg" alt="" width="44" height="44" />
          <h1>{words.app}</h1>
          <p className="hint">{words.signIn.hint}</p>
          <Field
            label={words.signIn.username}
            autoComplete="username"
            autoCapitalize="none"
            isRequired
            autoFocus
            value={username}
            onChange={setUsername}
          />
          <Field
            label={words.signIn.password}
            type="password"
            autoComplete="current-password"
            isRequired
            value={password}
            onChange={setPassword}
          />
          <p className="error" role="alert">
            {error}
          </p>
          <Button type="submit" look="primary" isWide isDisabled={isBusy}>
            {words.signIn.submit}
          </Button>
          <select
            className="language"
            aria-label={words.common.languageChoice}
            value={language}
            onChange={({ target }) => speak(target.value as Language)}
          >
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
        </form>
      </main>
    </div>
  );
}

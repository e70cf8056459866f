/** The parrot: a head of two arcs, a hooked beak, and the eye that the talk button repeats. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path className="mark-head" d="M4 30V14A12 12 0 0 1 16 2h2a9 9 0 0 1 9 9v3H16v16Z" />
      <path className="mark-beak" d="M16 14h14a8 8 0 0 1-5 10c1-4-2-6-9-6Z" />
      <circle className="mark-iris" cx="17" cy="9.5" r="3.4" />
      <circle className="mark-pupil" cx="17.4" cy="9.5" r="1.5" />
    </svg>
  );
}

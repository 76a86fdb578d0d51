/** The basket: its lines, its total, and the way to the money. */
import { Icon } from '../../frame/icon.tsx';
import { Button } from '../../parts/button.tsx';
import { Stepper } from '../../parts/stepper.tsx';
import { useShop } from '../../shop.tsx';
import { useWords } from '../../words/language.tsx';
import { type Basket, countOf, type Line, totalOf } from './basket.ts';

interface Props {
  basket: Basket;
  /** What stands on it before it has any lines. */
  hint: string;
  /** What the button does, from the total as it is shown. */
  action(total: string): string;
  onQuantity(productId: string, qty: number): void;
  onClear(): void;
  onPay(): void;
}

export function BasketCard({ basket, hint, action, onQuantity, onClear, onPay }: Props) {
  const { sell } = useWords();
  const { money } = useShop();
  const total = money.show(totalOf(basket));
  const isEmpty = basket.length === 0;
  return (
    <section className="card basket" data-empty={isEmpty} aria-labelledby="basket-title">
      <div className="head">
        <h2 id="basket-title">{sell.basket}</h2>
        <p className="count" role="status">
          {isEmpty ? '' : sell.articles(countOf(basket))}
        </p>
      </div>
      {isEmpty ? <p className="empty">{hint}</p> : null}
      <ul className="rows" id="basket">
        {basket.map((line) => (
          <BasketLine key={line.product.id} line={line} onQuantity={onQuantity} />
        ))}
      </ul>
      <div className="sum">
        <span>{sell.total}</span>
        <strong>{total}</strong>
      </div>
      <Button look="primary" isWide isDisabled={isEmpty} onPress={onPay}>
        {action(total)}
      </Button>
      {isEmpty ? null : (
        <Button look="plain" isWide onPress={onClear}>
          {sell.clear}
        </Button>
      )}
    </section>
  );
}

function BasketLine({ line: { product, qty }, onQuantity }: { line: Line; onQuantity: Props['onQuantity'] }) {
  const { common, sell } = useWords();
  const { money } = useShop();
  return (
    <li className="row">
      <div className="what">
        <p className="name">{product.name}</p>
        <p className="detail">{sell.perPiece(money.show(product.price))}</p>
      </div>
      <Stepper
        label={`${common.quantity}, ${product.name}`}
        value={qty}
        onChange={(next) => onQuantity(product.id, next)}
      />
      <p className="price">{money.show(product.price * qty)}</p>
      <Button look="plain" aria-label={`${common.remove} ${product.name}`} onPress={() => onQuantity(product.id, 0)}>
        <Icon name="remove" />
      </Button>
    </li>
  );
}

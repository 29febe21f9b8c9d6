using System;
using System.Collections;
using System.Collections.Generic;

namespace TorchSharp.Utils;

/// <summary>A dictionary that remembers the order in which its keys were added.</summary>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)>
{
    private readonly List<(TKey Key, TValue Value)> _order = new();
    private readonly Dictionary<TKey, TValue> _values = new();

    public OrderedDict()
    {
    }

    public TValue this[TKey key]
    {
        get => _values[key];
        set
        {
            if (_values.ContainsKey(key))
            {
                _order[Position(key)] = (key, value);
            }
            else
            {
                _order.Add((key, value));
            }

            _values[key] = value;
        }
    }

    public (TKey, TValue) this[int index]
    {
        get => _order[index];
        set
        {
            TKey old = _order[index].Key;
            if (!Same(old, value.Item1) && _values.ContainsKey(value.Item1))
            {
                throw new ArgumentException("An entry with the same key stands at another index.", nameof(value));
            }

            _values.Remove(old);
            _values[value.Item1] = value.Item2;
            _order[index] = value;
        }
    }

    public int Count => _order.Count;

    public bool IsReadOnly => false;

    public ICollection<TKey> Keys => _order.ConvertAll(entry => entry.Key);

    public ICollection<TValue> Values => _order.ConvertAll(entry => entry.Value);

    public IEnumerable<TKey> keys()
    {
        foreach ((TKey key, _) in _order)
        {
            yield return key;
        }
    }

    public IEnumerable<TValue> values()
    {
        foreach ((_, TValue value) in _order)
        {
            yield return value;
        }
    }

    public IEnumerator<(TKey, TValue)> items() => GetEnumerator();

    public IEnumerator<(TKey, TValue)> GetEnumerator()
    {
        foreach ((TKey key, TValue value) in _order)
        {
            yield return (key, value);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator()
    {
        foreach ((TKey key, TValue value) in _order)
        {
            yield return new KeyValuePair<TKey, TValue>(key, value);
        }
    }

    public void Add(TKey key, TValue value)
    {
        _values.Add(key, value);
        _order.Add((key, value));
    }

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);

    public void Add(KeyValuePair<TKey, TValue> item) => Add(item.Key, item.Value);

    public void Insert(int index, (TKey, TValue) item)
    {
        _values.Add(item.Item1, item.Item2);
        _order.Insert(index, item);
    }

    public bool ContainsKey(TKey key) => _values.ContainsKey(key);

    public bool Contains((TKey, TValue) item) =>
        _values.TryGetValue(item.Item1, out TValue value) && EqualityComparer<TValue>.Default.Equals(value, item.Item2);

    public bool Contains(KeyValuePair<TKey, TValue> item) => Contains((item.Key, item.Value));

    public bool TryGetValue(TKey key, out TValue value) => _values.TryGetValue(key, out value);

    public int IndexOf((TKey, TValue) item) => Contains(item) ? Position(item.Item1) : -1;

    public bool Remove(TKey key)
    {
        if (!_values.Remove(key))
        {
            return false;
        }

        _order.RemoveAt(Position(key));
        return true;
    }

    public bool Remove((TKey, TValue) item) => Contains(item) && Remove(item.Item1);

    public bool Remove(KeyValuePair<TKey, TValue> item) => Remove((item.Key, item.Value));

    public void RemoveAt(int index) => Remove(_order[index].Key);

    public void Clear()
    {
        _order.Clear();
        _values.Clear();
    }

    public void clear() => Clear();

    public void CopyTo((TKey, TValue)[] array, int arrayIndex)
    {
        for (int i = 0; i < _order.Count; i++)
        {
            array[arrayIndex + i] = _order[i];
        }
    }

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex)
    {
        for (int i = 0; i < _order.Count; i++)
        {
            array[arrayIndex + i] = new KeyValuePair<TKey, TValue>(_order[i].Key, _order[i].Value);
        }
    }

    internal bool TryAdd(TKey key, TValue value)
    {
        if (!_values.TryAdd(key, value))
        {
            return false;
        }

        _order.Add((key, value));
        return true;
    }

    private static bool Same(TKey left, TKey right) => EqualityComparer<TKey>.Default.Equals(left, right);

    private int Position(TKey key) => _order.FindIndex(entry => Same(entry.Key, key));
}

using System.Collections;
using System.Collections.Generic;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Modules by name, in the order in which they were added. They are registered when the owner is.</summary>
public class ModuleDict<T> : nn.Module, IDictionary<string, T>, IList<(string, T)>
    where T : nn.Module
{
    private readonly OrderedDict<string, T> _modules = new();
    private bool _registered;

    public ModuleDict()
        : base("ModuleDict")
    {
    }

    public T this[string key]
    {
        get => _modules[key];

        // TorchSharp's takes a key that is there for granted: a new one is for Add
        set => _modules[key] = _modules.ContainsKey(key) ? value : throw new System.ArgumentOutOfRangeException("index");
    }

    public (string, T) this[int index]
    {
        get => _modules[index];
        set => _modules[index] = value;
    }

    public int Count => _modules.Count;

    public bool IsReadOnly => false;

    public ICollection<string> Keys => _modules.Keys;

    public ICollection<T> Values => _modules.Values;

    public IEnumerable<string> keys() => _modules.keys();

    public IEnumerable<T> values() => _modules.values();

    public IEnumerator<(string, T)> items() => _modules.items();

    public void Add(string key, T value) => _modules.Add(key, value);

    public void Add((string, T) item) => _modules.Add(item);

    public void Add(KeyValuePair<string, T> item) => _modules.Add(item);

    public void Insert(int index, (string, T) item) => _modules.Insert(index, item);

    public bool Remove(string key) => _modules.Remove(key);

    public bool Remove((string, T) item) => _modules.Remove(item);

    public bool Remove(KeyValuePair<string, T> item) => _modules.Remove(item);

    public void RemoveAt(int index) => _modules.RemoveAt(index);

    public void Clear() => _modules.Clear();

    public void clear() => _modules.Clear();

    public bool ContainsKey(string key) => _modules.ContainsKey(key);

    public bool Contains((string, T) item) => _modules.Contains(item);

    public bool Contains(KeyValuePair<string, T> item) => _modules.Contains(item);

    public bool TryGetValue(string key, out T value) => _modules.TryGetValue(key, out value);

    public int IndexOf((string, T) item) => _modules.IndexOf(item);

    public void CopyTo((string, T)[] array, int arrayIndex) => _modules.CopyTo(array, arrayIndex);

    public void CopyTo(KeyValuePair<string, T>[] array, int arrayIndex) => _modules.CopyTo(array, arrayIndex);

    public IEnumerator<(string, T)> GetEnumerator() => _modules.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, T>>)_modules).GetEnumerator();

    protected override void RegisterComponents()
    {
        if (_registered)
        {
            return;
        }

        foreach ((string key, T module) in _modules)
        {
            register_module(key, module);
        }

        _registered = true;
    }
}

using System.Collections;
using System.Collections.Generic;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Parameters by name, in the order in which they were added.</summary>
public class ParameterDict : nn.Module, IDictionary<string, Parameter>, IList<(string, Parameter)>
{
    private readonly OrderedDict<string, Parameter> _parameters = new();
    private bool _registered;

    public ParameterDict()
        : base(nameof(ParameterDict))
    {
    }

    public Parameter this[string key]
    {
        get => _parameters[key];
        set => _parameters[key] = value;
    }

    public (string, Parameter) this[int index]
    {
        get => _parameters[index];
        set => _parameters[index] = value;
    }

    public int Count => _parameters.Count;

    public bool IsReadOnly => false;

    public ICollection<string> Keys => _parameters.Keys;

    public ICollection<Parameter> Values => _parameters.Values;

    public IEnumerable<string> keys() => _parameters.keys();

    public IEnumerable<Parameter> values() => _parameters.values();

    public IEnumerator<(string, Parameter)> items() => _parameters.items();

    public void Add(string key, Parameter value) => _parameters.Add(key, value);

    public void Add((string, Parameter) item) => _parameters.Add(item);

    public void Add(KeyValuePair<string, Parameter> item) => _parameters.Add(item);

    public void Insert(int index, (string, Parameter) item) => _parameters.Insert(index, item);

    public bool Remove(string key) => _parameters.Remove(key);

    public bool Remove((string, Parameter) item) => Contains(item) && Remove(item.Item1);

    public bool Remove(KeyValuePair<string, Parameter> item) => Remove((item.Key, item.Value));

    public void RemoveAt(int index) => _parameters.RemoveAt(index);

    public void Clear() => _parameters.Clear();

    public void clear() => _parameters.Clear();

    public bool ContainsKey(string key) => _parameters.ContainsKey(key);

    // Tensors have an element-wise ==, so that identity has to be asked for.
    public bool Contains((string, Parameter) item) =>
        _parameters.TryGetValue(item.Item1, out Parameter parameter) && ReferenceEquals(parameter, item.Item2);

    public bool Contains(KeyValuePair<string, Parameter> item) => Contains((item.Key, item.Value));

    public bool TryGetValue(string key, out Parameter value) => _parameters.TryGetValue(key, out value);

    public int IndexOf((string, Parameter) item)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_parameters[i].Item1 == item.Item1)
            {
                return ReferenceEquals(_parameters[i].Item2, item.Item2) ? i : -1;
            }
        }

        return -1;
    }

    public void CopyTo((string, Parameter)[] array, int arrayIndex) => _parameters.CopyTo(array, arrayIndex);

    public void CopyTo(KeyValuePair<string, Parameter>[] array, int arrayIndex) => _parameters.CopyTo(array, arrayIndex);

    public IEnumerator<(string, Parameter)> GetEnumerator() => _parameters.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    IEnumerator<KeyValuePair<string, Parameter>> IEnumerable<KeyValuePair<string, Parameter>>.GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, Parameter>>)_parameters).GetEnumerator();

    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse)
    {
        foreach ((string key, Parameter parameter) in _parameters)
        {
            yield return (key, parameter);
        }
    }

    public override bool has_parameter(string target) => _parameters.ContainsKey(target);

    public override Parameter get_parameter(string target) => _parameters.TryGetValue(target, out Parameter parameter) ? parameter : null;

    protected override void RegisterComponents()
    {
        if (_registered)
        {
            return;
        }

        foreach ((string key, Parameter parameter) in _parameters)
        {
            register_parameter(key, parameter);
        }

        _registered = true;
    }

    protected override void _toEpilog(ScalarType? dtype, Device device, bool non_blocking)
    {
        for (int i = 0; i < Count; i++)
        {
            (string key, Parameter parameter) = _parameters[i];
            if (!ReplaceParameter(dtype, device, parameter, out Parameter moved))
            {
                continue;
            }

            parameter.Dispose();
            _parameters[key] = moved;
            if (_registered)
            {
                ConditionallyRegisterParameter(key, moved);
            }
        }

        if (device is not null)
        {
            _deviceType = device.type;
            _deviceIndex = device.index;
        }
    }
}

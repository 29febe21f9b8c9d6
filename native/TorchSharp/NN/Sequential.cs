using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Modules called one after another; what lies between two of them is disposed as soon as the next has it.</summary>
public class Sequential : nn.Module<Tensor, Tensor>
{
    // Two lists of these names, as in TorchSharp: whoever looks into the fields finds there what he would find in the real one.
    private readonly List<nn.IModule<Tensor, Tensor>> _modules = new();
    private readonly List<string> _names = new();

    protected Sequential(params (string name, nn.Module<Tensor, Tensor> submodule)[] modules)
        : base(nameof(Sequential))
    {
        foreach ((string name, nn.Module<Tensor, Tensor> module) in modules)
        {
            append(name, module);
        }
    }

    protected Sequential(params nn.Module<Tensor, Tensor>[] modules)
        : base(nameof(Sequential))
    {
        foreach (nn.Module<Tensor, Tensor> module in modules)
        {
            append(module);
        }
    }

    internal static Sequential Empty() => new(Array.Empty<(string, nn.Module<Tensor, Tensor>)>());

    public int Count => _modules.Count;

    [IndexerName("SequentialItems")]
    public nn.IModule<Tensor, Tensor> this[int index] => _modules[index];

    [IndexerName("SequentialItems")]
    public Sequential this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
    {
        _modules.Add(module);
        _names.Add(name);
        return this;
    }

    public Sequential append(nn.IModule<Tensor, Tensor> module) => append(Count.ToString(CultureInfo.InvariantCulture), module);

    public override Tensor forward(Tensor tensor)
    {
        if (Count == 0)
        {
            return tensor.alias();
        }

        Tensor current = _modules[0].call(tensor);
        for (int i = 1; i < Count; i++)
        {
            Tensor next = _modules[i].call(current);
            current.Dispose();
            current = next;
        }

        return current;
    }

    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
    {
        if (!recurse)
        {
            yield break;
        }

        HashSet<IntPtr> seen = new() { IntPtr.Zero };
        foreach ((string child, nn.Module module) in named_children())
        {
            foreach ((string inner, Parameter parameter) in module.named_parameters(true))
            {
                if (seen.Add(parameter.handle))
                {
                    yield return ($"{child}.{inner}", parameter);
                }
            }
        }
    }

    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_persistent = true)
    {
        if (!recurse)
        {
            yield break;
        }

        HashSet<IntPtr> seen = new() { IntPtr.Zero };
        foreach ((string child, nn.Module module) in named_children())
        {
            foreach ((string inner, Tensor buffer) in module.named_buffers(true, include_persistent))
            {
                if (seen.Add(buffer.handle))
                {
                    yield return ($"{child}.{inner}", buffer);
                }
            }
        }
    }

    public override IEnumerable<(string name, nn.Module module)> named_children()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return (_names[i], (nn.Module)_modules[i]);
        }
    }

    public override IEnumerable<(string name, nn.Module module)> named_modules()
    {
        foreach ((string child, nn.Module module) in named_children())
        {
            yield return (child, module);
        }

        foreach ((string child, nn.Module module) in named_children())
        {
            foreach ((string inner, nn.Module below) in module.named_modules())
            {
                yield return ($"{child}.{inner}", below);
            }
        }
    }

    public override nn.Module apply(Action<nn.Module> fn)
    {
        foreach ((_, nn.Module module) in named_children())
        {
            module.apply(fn);
        }

        fn(this);
        return this;
    }

    public override void train(bool on = true) => base.train(on);

    public override void eval() => base.eval();

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking)
    {
        foreach ((_, nn.Module module) in named_children())
        {
            module._to(dtype, non_blocking);
        }

        return this;
    }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking)
    {
        foreach ((_, nn.Module module) in named_children())
        {
            module._to(device, dtype, non_blocking);
        }

        return this;
    }

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
    {
        foreach ((_, nn.Module module) in named_children())
        {
            module._to(deviceType, deviceIndex, non_blocking);
        }

        return this;
    }

    // The base disposes what named_modules lists, and that is all a Sequential has.
    protected override void Dispose(bool disposing) => base.Dispose(disposing);

    private Sequential Slice(int start, int end)
    {
        if (start < 0 || start > Count || end < 0 || end > Count)
        {
            throw new IndexOutOfRangeException($"[{start}..{end}] is not a part of a Sequential of {Count} modules.");
        }

        Sequential result = new(Array.Empty<(string, nn.Module<Tensor, Tensor>)>());
        for (int i = start; i < end; i++)
        {
            result.append(_names[i], _modules[i]);
        }

        return result;
    }
}

using System;
using TorchSharp.Interop;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

public sealed class Embedding : nn.Module<Tensor, Tensor>
{
    private readonly long? _paddingIndex;
    private readonly double? _maxNorm;
    private readonly double _normType;
    private readonly bool _scaleGradByFreq;
    private readonly bool _sparse;

    [ComponentName(Name = nameof(weight))]
    private Parameter _weight;

    internal Embedding(Parameter weight, long? padding_idx, double? max_norm, double norm_type, bool scale_grad_by_freq, bool sparse)
        : base(nameof(Embedding))
    {
        long rows = weight.size(0);
        if (padding_idx is { } index && (index >= rows || index < -rows))
        {
            throw new ArgumentOutOfRangeException(nameof(padding_idx), index, $"The table has {rows} rows.");
        }

        _paddingIndex = padding_idx < 0 ? padding_idx + rows : padding_idx;
        _maxNorm = max_norm;
        _normType = norm_type;
        _scaleGradByFreq = scale_grad_by_freq;
        _sparse = sparse;
        this.weight = weight;
    }

    public Parameter weight
    {
        get => _weight;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (ReferenceEquals(value, _weight))
            {
                return;
            }

            _weight?.Dispose();
            _weight = (Parameter)value.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), _weight);
        }
    }

    public override Tensor forward(Tensor input)
    {
        if (_maxNorm is { } maxNorm)
        {
            using IDisposable noGrad = no_grad();
            Native.Call("embedding_renorm_", _weight, input, maxNorm, _normType).Dispose();
        }

        return Native.Call("embedding", _weight, input, _paddingIndex ?? -1, _scaleGradByFreq, _sparse);
    }

    internal void ResetParameters()
    {
        nn.init.normal_(_weight);
        if (_paddingIndex is { } index)
        {
            using IDisposable noGrad = no_grad();
            using Tensor row = _weight.narrow(0, index, 1);
            row.zero_().Dispose();
        }
    }
}

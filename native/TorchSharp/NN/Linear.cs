using System;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

public sealed class Linear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = nameof(bias))]
    private Parameter _bias;

    [ComponentName(Name = nameof(weight))]
    private Parameter _weight;

    internal Linear(Parameter weight, Parameter bias = null)
        : base(nameof(Linear))
    {
        out_features = weight.size(0);
        in_features = weight.size(1);
        this.weight = weight;
        if (bias is not null)
        {
            this.bias = bias;
        }
    }

    internal Linear(long inputSize, long outputSize, bool hasBias, Device device, ScalarType? dtype)
        : base(nameof(Linear))
    {
        in_features = inputSize;
        out_features = outputSize;
        weight = new Parameter(empty(outputSize, inputSize, dtype, device));
        nn.init.kaiming_uniform_(_weight, a: Math.Sqrt(5));
        if (hasBias)
        {
            bias = new Parameter(empty(outputSize, dtype, device));
            double bound = inputSize > 0 ? 1 / Math.Sqrt(inputSize) : 0;
            nn.init.uniform_(_bias, -bound, bound);
        }
    }

    public long in_features { get; set; }

    public long out_features { get; set; }

    public Parameter bias
    {
        get => _bias;
        set
        {
            if (ReferenceEquals(value, _bias))
            {
                return;
            }

            _bias?.Dispose();
            _bias = (Parameter)value?.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(bias), _bias);
        }
    }

    public Parameter weight
    {
        get => _weight;
        set
        {
            if (ReferenceEquals(value, _weight))
            {
                return;
            }

            _weight?.Dispose();
            _weight = (Parameter)value.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), _weight);
        }
    }

    public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, _weight, _bias);

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => Replace(dtype, device);

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
        Replace(null, new Device(deviceType, deviceIndex));

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => Replace(dtype, null);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _weight?.Dispose();
            _bias?.Dispose();
        }

        base.Dispose(disposing);
    }

    private Linear Replace(ScalarType? dtype, Device device)
    {
        if (ReplaceParameter(dtype, device, _weight, out Parameter movedWeight))
        {
            weight = movedWeight;
        }

        if (_bias is not null && ReplaceParameter(dtype, device, _bias, out Parameter movedBias))
        {
            bias = movedBias;
        }

        return this;
    }
}

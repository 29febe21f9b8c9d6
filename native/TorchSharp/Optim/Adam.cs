using System;
using System.Collections.Generic;
using System.IO;
using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Adam; the weight decay is added to the gradient.</summary>
public class Adam : OptimizerHelper, optim.IBetas
{
    public Adam(
        IEnumerable<Parameter> parameters,
        double lr = 0.001,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double eps = 1E-08,
        double weight_decay = 0,
        bool amsgrad = false,
        bool maximize = false)
        : this(new ParamGroup[] { new() { Parameters = parameters } }, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    public Adam(
        IEnumerable<ParamGroup> parameters,
        double lr = 0.001,
        double beta1 = 0.9,
        double beta2 = 0.999,
        double eps = 1E-08,
        double weight_decay = 0,
        bool amsgrad = false,
        bool maximize = false)
    {
        OptimizerArguments.NotNegative(lr, nameof(lr));
        OptimizerArguments.Fraction(beta1, nameof(beta1));
        OptimizerArguments.Fraction(beta2, nameof(beta2));
        OptimizerArguments.NotNegative(eps, nameof(eps));
        OptimizerArguments.NotNegative(weight_decay, nameof(weight_decay));
        _defaults = new Options
        {
            LearningRate = lr,
            InitialLearningRate = lr,
            beta1 = beta1,
            beta2 = beta2,
            eps = eps,
            weight_decay = weight_decay,
            amsgrad = amsgrad,
            maximize = maximize,
        };
        _parameter_groups = new List<Modules.ParamGroup>();
        foreach (ParamGroup group in parameters)
        {
            add_param_group(group);
        }
    }

    public (double, double) Betas
    {
        get => (((Options)_defaults).beta1.Value, ((Options)_defaults).beta2.Value);
        set => (((Options)_defaults).beta1, ((Options)_defaults).beta2) = value;
    }

    public override Tensor step(Func<Tensor> closure = null) => _step<ParamGroup>(Update, closure);

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        param_group.Options ??= new Options();
        Options options = (Options)param_group.Options;
        options.FillFrom((Options)_defaults);
        base.add_param_group(param_group);
        foreach (Parameter parameter in param_group.Parameters)
        {
            State state = new(parameter);
            state.Initialize(options);
            _state[parameter.Handle] = state;
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            DisposeStates();
        }
    }

    private void Update(ParamGroup group)
    {
        Options options = group.Options;
        double lr = options.LearningRate.Value;
        double beta1 = options.beta1.Value;
        double beta2 = options.beta2.Value;
        double weightDecay = options.weight_decay.Value;
        foreach ((Parameter parameter, Tensor grad) in WithGradients(group))
        {
            State state = (State)_state[parameter.Handle];
            state.step++;
            Tensor direction = options.maximize.Value ? grad.neg() : grad;
            if (weightDecay != 0)
            {
                direction = direction.add(parameter, weightDecay);
            }

            state.exp_avg.mul_(beta1);
            state.exp_avg.add_(direction, 1 - beta1);
            state.exp_avg_sq.mul_(beta2);
            state.exp_avg_sq.addcmul_(direction, direction, 1 - beta2);
            Tensor second = state.exp_avg_sq;
            if (options.amsgrad.Value)
            {
                second = state.max_exp_avg_sq;
                Native.Run("maximum.out", second, state.exp_avg_sq, second);
            }

            using Tensor denominator = second.sqrt();
            denominator.div_(Math.Sqrt(1 - Math.Pow(beta2, state.step)));
            denominator.add_(options.eps.Value);
            parameter.addcdiv_(state.exp_avg, denominator, -lr / (1 - Math.Pow(beta1, state.step)));
        }
    }

    public class Options : OptimizerOptions
    {
        public double? beta1;
        public double? beta2;
        public double? weight_decay;
        public double? eps;
        public bool? amsgrad;
        public bool? maximize;

        public Options()
        {
        }

        public override void SaveStateDict(BinaryWriter writer)
        {
            base.SaveStateDict(writer);
            writer.Write(beta1.Value);
            writer.Write(beta2.Value);
            writer.Write(eps.Value);
            writer.Write(weight_decay.Value);
            writer.Write(amsgrad.Value);
            writer.Write(maximize.Value);
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            base.LoadStateDict(reader);
            beta1 = reader.ReadDouble();
            beta2 = reader.ReadDouble();
            eps = reader.ReadDouble();
            weight_decay = reader.ReadDouble();
            amsgrad = reader.ReadBoolean();
            maximize = reader.ReadBoolean();
        }

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            Options other = (Options)source;
            beta1 = other.beta1;
            beta2 = other.beta2;
            eps = other.eps;
            weight_decay = other.weight_decay;
            amsgrad = other.amsgrad;
            maximize = other.maximize;
        }

        internal void FillFrom(Options defaults)
        {
            LearningRate ??= defaults.LearningRate;
            beta1 ??= defaults.beta1;
            beta2 ??= defaults.beta2;
            eps ??= defaults.eps;
            weight_decay ??= defaults.weight_decay;
            amsgrad ??= defaults.amsgrad;
            maximize ??= defaults.maximize;
            InitialLearningRate = LearningRate.Value;
        }
    }

    public class ParamGroup : ParamGroup<Options>, optim.IBetas
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options)
            : base(parameters, options)
        {
        }

        public ParamGroup(
            IEnumerable<Parameter> parameters,
            double lr = 0.001,
            double beta1 = 0.9,
            double beta2 = 0.999,
            double eps = 1E-08,
            double weight_decay = 0,
            bool amsgrad = false,
            bool maximize = false)
            : base(parameters, new Options
            {
                LearningRate = lr,
                beta1 = beta1,
                beta2 = beta2,
                eps = eps,
                weight_decay = weight_decay,
                amsgrad = amsgrad,
                maximize = maximize,
            })
        {
        }

        public (double, double) Betas
        {
            get => (Options.beta1.Value, Options.beta2.Value);
            set => (Options.beta1, Options.beta2) = value;
        }
    }

    public sealed class State : OptimizerState, IDisposable
    {
        public long step;
        public Tensor exp_avg;
        public Tensor exp_avg_sq;
        public Tensor max_exp_avg_sq;

        public State(Parameter parameter)
            : base(parameter)
        {
        }

        public void Dispose()
        {
            exp_avg?.Dispose();
            exp_avg_sq?.Dispose();
            max_exp_avg_sq?.Dispose();
        }

        public override void Initialize(OptimizerOptions options)
        {
            Dispose();
            step = 0;
            exp_avg = ZerosLikeParameter();
            exp_avg_sq = ZerosLikeParameter();
            max_exp_avg_sq = ((Options)options).amsgrad.Value ? ZerosLikeParameter() : null;
        }

        public override void to(Device device)
        {
            exp_avg = Move(exp_avg, device);
            exp_avg_sq = Move(exp_avg_sq, device);
            max_exp_avg_sq = Move(max_exp_avg_sq, device);
        }

        public override void SaveStateDict(BinaryWriter writer)
        {
            writer.Write(step);
            exp_avg.Save(writer);
            exp_avg_sq.Save(writer);
            SaveConditionalStateTensor(writer, max_exp_avg_sq);
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            step = reader.ReadInt64();
            exp_avg.Load(reader);
            exp_avg_sq.Load(reader);
            LoadConditionalStateTensor(reader, ref max_exp_avg_sq, _parameter.device);
            max_exp_avg_sq?.DetachFromDisposeScope();
        }

        public override void LoadStateDict(OptimizerState source)
        {
            State other = (State)source;
            step = other.step;
            exp_avg = Replace(exp_avg, other.exp_avg);
            exp_avg_sq = Replace(exp_avg_sq, other.exp_avg_sq);
            max_exp_avg_sq = Replace(max_exp_avg_sq, other.max_exp_avg_sq);
        }

        public override bool ApproximatelyEquals(OptimizerState other) =>
            other is State state && step == state.step && Close(exp_avg, state.exp_avg) && Close(exp_avg_sq, state.exp_avg_sq)
            && Close(max_exp_avg_sq, state.max_exp_avg_sq);
    }
}
